"""One turn of feeding a replay: which deliveries to make of some events, and which are passed over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from eventlog.given import is_one_of
from eventlog.hold import ORIGINAL_RUN
from eventlog.replays import Replay
from eventlog.runs import is_run
from eventlog.states import HELD_BACK, UNFINISHED, State
from eventlog.tables import deliveries

_IN_FLIGHT: Final = frozenset((*UNFINISHED, *HELD_BACK))

_SPARSE: Final = 4
"""Events that are further apart, on average, are looked up one by one."""

_Runs = Mapping[int, str]
"""The state of each run of a handler on an event, by the number of its replay, in their order."""
_NONE: Final[_Runs] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One event to look at, with the handlers that want it."""

    seq: int
    id: str
    state: str
    handlers: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What to make, and what was seen."""

    wanted: Sequence[tuple[int, str]]
    """Deliveries to make: each an event's seq, and a handler."""
    in_flight: Sequence[str]
    passed_over: int
    done_with: int
    """Of so many events nothing is left to make; fewer than were given where no more may be made now."""


def plan(
    connection: Connection, replay: Replay, candidates: Sequence[Candidate], at_most: int | None = None
) -> Turn:
    """Choose the deliveries to make now, in the order of the events; no more than a canary's stage holds."""
    room = at_most
    if replay.canary is not None:
        left = max(0, replay.canary - replay.fed)
        room = left if at_most is None else min(at_most, left)
    earlier = _earlier_runs(connection, [event.seq for event in candidates])
    wanted: list[tuple[int, str]] = []
    in_flight: list[str] = []
    passed_over, done_with = 0, 0
    for event in candidates:
        to_make: list[tuple[int, str]] = []
        in_the_air: list[str] = []
        left_out = 0
        for handler in event.handlers:
            runs = earlier.get((event.seq, handler), _NONE)
            if replay.id in runs:
                continue  # made by the turn before, in which there was no room for the others
            if _is_in_flight(event, runs):
                in_the_air.append(f"{event.id} {handler}")
            elif replay.only_failed and list(runs.values())[-1:] != [State.DEAD]:
                left_out += 1
            else:
                to_make.append((event.seq, handler))
        if room is not None and len(wanted) + len(to_make) > room:
            wanted += to_make[: room - len(wanted)]
            break
        wanted += to_make
        in_flight += in_the_air
        passed_over += left_out
        done_with += 1
    return Turn(wanted=wanted, in_flight=in_flight, passed_over=passed_over, done_with=done_with)


def _is_in_flight(event: Candidate, runs: _Runs) -> bool:
    if event.state in UNFINISHED and ORIGINAL_RUN not in runs:
        return True  # about to run
    return not _IN_FLIGHT.isdisjoint(runs.values())


def _earlier_runs(connection: Connection, seqs: Sequence[int]) -> dict[tuple[int, str], dict[int, str]]:
    """Give the runs of each event and handler that has any."""
    earlier: dict[tuple[int, str], dict[int, str]] = {}
    if not seqs:
        return earlier
    first, last = seqs[0], seqs[-1]
    # PostgreSQL takes a thousand single looks for dearer than reading a table of some 100,000 rows.
    is_dense = last - first < _SPARSE * len(seqs)
    of_events = (
        deliveries.c.event_seq.between(first, last) if is_dense else is_one_of(deliveries.c.event_seq, "seqs")
    )
    query = (
        select(deliveries.c.event_seq, deliveries.c.handler, deliveries.c.replay, deliveries.c.state)
        .where(of_events, is_run(deliveries))
        .order_by(deliveries.c.event_seq, deliveries.c.handler, deliveries.c.replay)
    )
    for seq, handler, replay, state in connection.execute(query, {} if is_dense else {"seqs": seqs}).all():
        earlier.setdefault((seq, handler), {})[replay] = state
    return earlier
