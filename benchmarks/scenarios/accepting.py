"""One run of load on one candidate that takes requests, with its counts checked afterwards."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.candidates.accepting import Door
from benchmarks.load.dialect import PATH, Dialect, request_bytes
from benchmarks.load.paced import Paced, send_paced
from benchmarks.load.payload import PayloadMaker
from benchmarks.load.request_file import RequestFile, write_requests
from benchmarks.load.wrk import Flood, run_wrk
from benchmarks.store import require_between

_RATE_AT_MOST: Final = 30_000
_BYTES_A_SECOND_AT_MOST: Final = 200_000_000
_THREADS: Final = 1
"""On one core, more of them send nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent."""

    seconds: float = 10.0
    warm_up_seconds: float = 1.0
    connections: int = 32
    size: int = 300
    """Of a body, in bytes."""
    duplicates: float = 0.0
    """Share of the requests that repeat an event sent before."""
    keep_alive: bool = True
    rate: float | None = None
    """Requests a second; None: as fast as answers come."""
    threads: int = _THREADS

    @property
    def requests(self) -> int:
        """How many to prepare for a thread, so that they last; a run whose requests don't ends early."""
        fastest = min(_RATE_AT_MOST, _BYTES_A_SECOND_AT_MOST / self.size)
        rate = min(self.rate * 1.2, fastest) if self.rate else fastest
        return max(100, int(self.seconds * rate / self.threads))


def flood(door: Door, dialect: Dialect, load: Load, *, folder: Path, run: str) -> Flood:
    """Warm up, send, and raise `CountsDiffer` unless what was acknowledged is stored."""
    at_least = at_most = 0
    warm = replace(load, seconds=load.warm_up_seconds)
    floods = []
    for name, part in (("warm", warm), ("main", load)):
        if not part.seconds:
            continue
        files = _prepare(folder, f"{run}-{name}", dialect, part)
        found = run_wrk(
            door.port,
            files,
            connections=part.connections,
            seconds=part.seconds,
            rate=part.rate,
            path=PATH,
        )
        for file in files:
            file.path.unlink()
        at_least += found.rows_at_least(files)
        at_most += found.rows_at_most(files)
        floods.append(found)
    if door.rows is not None:
        require_between(door.rows(), at_least, at_most)
    door.check()
    return floods[-1]


def _prepare(folder: Path, run: str, dialect: Dialect, load: Load) -> list[RequestFile]:
    number = load.requests
    maker = PayloadMaker(run, size=load.size)
    return [
        write_requests(
            folder / f"requests-{run}.{thread}",
            maker,
            dialect,
            number=number,
            first=thread * number,
            duplicates=load.duplicates,
            keep_alive=load.keep_alive,
            seed=thread,
        )
        for thread in range(load.threads)
    ]


def pace(door: Door, dialect: Dialect, load: Load, *, run: str) -> Paced:
    """Send at the load's rate, and raise `CountsDiffer` unless what was acknowledged is stored."""
    if load.rate is None:
        raise ValueError("a paced run needs a rate")
    before = door.rows() if door.rows is not None else 0
    maker = PayloadMaker(run, size=load.size)
    payloads = [maker.make(number) for number in range(int(load.rate * load.seconds))]
    requests = [(payload.id, request_bytes(payload, dialect)) for payload in payloads]
    found = send_paced(door.port, requests, rate=load.rate)
    if door.rows is not None:
        require_between(door.rows() - before, len(found.answered_ns), len(requests))
    door.check()
    return found
