"""Runs wrk over prepared requests, and reads what it found.

It has one thread: on one core, more of them send nothing more.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.load.request_file import RequestFile

_SCRIPT: Final = Path(__file__).with_name("replay.lua")
_MARK: Final = "BENCH "
_TIMEOUT_SECONDS: Final = 10


class LoadFailed(Exception):  # noqa: N818 - named for what happened
    """The load was not what it was meant to be: the run counts for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """What one run of wrk saw."""

    sent: int
    """The last of each connection may have got no answer."""
    exhausted: int
    """How often a request was wanted when all had been sent: from then on none were sent."""
    answers: int
    refused: int
    """Answers that were neither 2xx nor 3xx."""
    broken: int
    """Failed connections, reads and writes, and time-outs."""
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def accepted(self) -> int:
        return self.answers - self.refused

    @property
    def rate(self) -> float:
        """Accepted requests a second."""
        return self.accepted / self.seconds if self.seconds else 0.0

    def rows_at_least(self, file: RequestFile) -> int:
        """Count the events that have to be stored: each that was sent, but for those without a 2xx."""
        return self.rows_at_most(file) - (self.sent - self.accepted)

    def rows_at_most(self, file: RequestFile) -> int:
        return file.unique_among(self.sent)


def run_wrk(
    port: int,
    file: RequestFile,
    *,
    connections: int,
    seconds: float,
    rate: float | None = None,
    path: str = "/",
    again: bool = False,
) -> Flood:
    """Send the file's requests over so many connections, for so long; `again` has them sent more than once.

    Where they are sent once and used up, the rest of the time is idle, and `exhausted` tells. `rate` is
    requests a second over all connections together.
    """
    command = [
        *("wrk", "-t", "1", "-c", str(connections), "-d", f"{max(1, round(seconds))}s"),
        *("--timeout", f"{_TIMEOUT_SECONDS}s", "-s", str(_SCRIPT), f"http://127.0.0.1:{port}{path}"),
        *("--", str(file.path), str(rate or 0), "again" if again else "once"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 30)
    return read_output(done.stdout + done.stderr)


def require_whole(found: Flood, *, may_break: bool = False) -> None:
    """Raise `LoadFailed` unless there was load for the whole time, and each request had an answer."""
    if found.exhausted:
        raise LoadFailed(f"all {found.sent - found.exhausted:,} prepared requests were sent before the end")
    if found.broken and not may_break:
        raise LoadFailed(
            f"{found.broken:,} connections, reads or writes failed beside {found.answers:,} answers"
        )


def read_output(output: str) -> Flood:
    """Read the line that the script prints at the end."""
    for line in output.splitlines():
        if line.startswith(_MARK):
            return Flood(**json.loads(line.removeprefix(_MARK)))
    raise SystemExit(f"wrk ended without figures:\n{output}")
