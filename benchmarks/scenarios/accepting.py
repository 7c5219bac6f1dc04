"""One run of load on one candidate that takes requests, with its counts checked afterwards."""

from dataclasses import replace

from benchmarks.candidates.accepting import Door
from benchmarks.load.dialect import PATH, Dialect, request_bytes
from benchmarks.load.paced import Paced, send_paced
from benchmarks.load.payload import PayloadMaker
from benchmarks.load.plan import Load
from benchmarks.load.request_shelf import RequestShelf
from benchmarks.load.wrk import Flood, require_whole, run_wrk
from benchmarks.store import require_between


def flood(
    door: Door, dialect: Dialect, load: Load, *, requests: RequestShelf, run: str, may_break: bool = False
) -> Flood:
    """Warm up, send, and raise `CountsDiffer` unless what was acknowledged is stored.

    Raises `LoadFailed` where the requests did not last for the whole time, or where connections broke that
    may not. Who stores nothing is sent the same events again: no file holds what it would take of large ones.
    """
    before = door.rows() if door.rows is not None else 0
    at_least = at_most = 0
    warm = replace(load, seconds=load.warm_up_seconds)
    floods = []
    for name, part in (("warm", warm), ("main", load)):
        if not part.seconds:
            continue
        file = requests.file(run, name, dialect, part)
        found = run_wrk(
            door.port,
            file,
            connections=part.connections,
            seconds=part.seconds,
            rate=part.rate,
            path=PATH,
            again=door.rows is None,
        )
        require_whole(found, may_break=may_break)
        at_least += found.rows_at_least(file)
        at_most += found.rows_at_most(file)
        floods.append(found)
    if door.rows is not None:
        require_between(door.rows() - before, at_least, at_most)
    door.check()
    return floods[-1]


def pace(door: Door, dialect: Dialect, load: Load, *, run: str) -> Paced:
    """Send at the load's rate, and raise `CountsDiffer` unless what was acknowledged is stored."""
    if load.rate is None:
        raise ValueError("a paced run needs a rate")
    before = door.rows() if door.rows is not None else 0
    maker = PayloadMaker(run, size=load.size, own_subjects=load.own_subjects)
    payloads = [maker.make(number) for number in range(int(load.rate * load.seconds))]
    sent = [(payload.id, request_bytes(payload, dialect)) for payload in payloads]
    found = send_paced(door.port, sent, rate=load.rate, connections=load.connections)
    if door.rows is not None:
        require_between(door.rows() - before, len(found.answered_ns), len(sent))
    door.check()
    return found
