"""One turn of feeding a replay: which deliveries to make of some events, and which are passed over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from eventlog.leases import ORIGINAL_RUN
from eventlog.replays import Replay
from eventlog.runs import is_run
from eventlog.states import HELD_BACK, UNFINISHED, State
from eventlog.tables import deliveries

_IN_FLIGHT: Final = (*UNFINISHED, *HELD_BACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One event to look at, with the handlers that want it."""

    seq: int
    id: str
    state: State
    handlers: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What to make, and what was seen."""

    wanted: Sequence[tuple[int, str]]
    """Deliveries to make: each an event's seq, and a handler."""
    in_flight: Sequence[str]
    passed_over: int
    done_with: int
    """Of so many events nothing is left to make; fewer than were given where a canary's stage is full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfEvent:
    wanted: list[tuple[int, str]]
    in_flight: list[str]
    passed_over: int


def plan(connection: Connection, replay: Replay, candidates: Sequence[Candidate]) -> Turn:
    """Choose the deliveries to make now, in the order of the events."""
    room = None if replay.canary is None else max(0, replay.canary - replay.fed)
    earlier = _earlier_runs(connection, [event.seq for event in candidates])
    wanted: list[tuple[int, str]] = []
    in_flight: list[str] = []
    passed_over, done_with = 0, 0
    for event in candidates:
        of_event = _plan_event(replay, event, earlier)
        if room is not None and len(wanted) + len(of_event.wanted) > room:
            wanted += of_event.wanted[: room - len(wanted)]
            break
        wanted += of_event.wanted
        in_flight += of_event.in_flight
        passed_over += of_event.passed_over
        done_with += 1
    return Turn(wanted=wanted, in_flight=in_flight, passed_over=passed_over, done_with=done_with)


def _plan_event(
    replay: Replay, event: Candidate, earlier: Mapping[tuple[int, str], Mapping[int, State]]
) -> _OfEvent:
    wanted, in_flight, passed_over = [], [], 0
    for handler in event.handlers:
        runs = earlier.get((event.seq, handler), {})
        about_to_run = ORIGINAL_RUN not in runs and event.state in UNFINISHED
        if replay.id in runs:
            continue  # made by the turn before, in which the stage was full
        if about_to_run or any(state in _IN_FLIGHT for state in runs.values()):
            in_flight.append(f"{event.id} {handler}")
        elif replay.only_failed and list(runs.values())[-1:] != [State.DEAD]:
            passed_over += 1
        else:
            wanted.append((event.seq, handler))
    return _OfEvent(wanted=wanted, in_flight=in_flight, passed_over=passed_over)


def _earlier_runs(connection: Connection, seqs: Sequence[int]) -> dict[tuple[int, str], dict[int, State]]:
    """Give the state of each run, by event and handler, and then by the number of its replay."""
    query = (
        select(deliveries.c.event_seq, deliveries.c.handler, deliveries.c.replay, deliveries.c.state)
        .where(deliveries.c.event_seq.in_(seqs), is_run(deliveries))
        .order_by(deliveries.c.replay)
    )
    earlier: dict[tuple[int, str], dict[int, State]] = {}
    for row in connection.execute(query):
        earlier.setdefault((row.event_seq, row.handler), {})[row.replay] = State(row.state)
    return earlier
