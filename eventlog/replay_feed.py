"""Make a replay's deliveries, piece by piece, so that a large one never loads its events at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select, update

from eventlog.acceptance import REQUEUE_GRACE
from eventlog.database import EventLog
from eventlog.instant import database_now, database_now_plus
from eventlog.leases import ORIGINAL_RUN
from eventlog.replays import Replay, ReplayState, is_run, replay_of
from eventlog.states import UNFINISHED, State
from eventlog.tables import deliveries, events, replays

_NAMED_AT_MOST: Final = 1000

Choose = Callable[[Mapping[str, Sequence[str]], str], Sequence[str]]
"""Given handlers with their patterns, and an event's type: the names of those that want it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """What one turn made."""

    event_ids: tuple[str, ...]
    """To send jobs for."""
    looked_at: int
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    wanted: list[tuple[int, str]]
    in_flight: list[str]
    passed_over: int


def feed(log: EventLog, replay_id: int, *, turn: int, choose: Choose) -> Fed:
    """Make the deliveries of a replay's next `turn` events; send jobs for what this returns."""
    return log.write_again_after_collisions(
        lambda connection: _feed(log, connection, replay_id, turn, choose)
    )


def _feed(log: EventLog, connection: Connection, replay_id: int, turn: int, choose: Choose) -> Fed:
    running = select(replays).where(replays.c.id == replay_id, replays.c.state == ReplayState.RUNNING)
    # Another clock may be at the same replay: it is left alone then.
    row = connection.execute(running.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return Fed(event_ids=(), looked_at=0, finished=connection.execute(running).one_or_none() is None)
    replay = replay_of(row)
    found = connection.execute(
        select(events.c.seq, events.c.id, events.c.type, events.c.state)
        .where(events.c.seq > replay.cursor, events.c.seq <= replay.upto, *replay.selection.conditions())
        .order_by(events.c.seq)
        .limit(turn)
    ).all()
    ids = {event.seq: event.id for event in found}
    candidates = [
        (event.seq, handler, State(event.state))
        for event in found
        for handler in choose(replay.handlers, event.type)
    ]
    planned = _plan(connection, replay, candidates, ids)
    if planned.wanted:
        connection.execute(
            log.insert(deliveries)
            .values(replay=replay_id, state=State.QUEUED, due_at=database_now_plus(REQUEUE_GRACE))
            .on_conflict_do_nothing(),
            [{"event_seq": seq, "handler": handler} for seq, handler in planned.wanted],
        )
    finished = len(found) < turn
    _note_progress(connection, replay, planned, found[-1].seq if found else replay.upto, len(found), finished)
    return Fed(
        event_ids=tuple(dict.fromkeys(ids[seq] for seq, _ in planned.wanted)),
        looked_at=len(found),
        finished=finished,
    )


def _plan(
    connection: Connection, replay: Replay, candidates: list[tuple[int, str, State]], ids: dict[int, str]
) -> _Turn:
    query = (
        select(deliveries.c.event_seq, deliveries.c.handler, deliveries.c.replay, deliveries.c.state)
        .where(deliveries.c.event_seq.in_(list(ids)), is_run(deliveries))
        .order_by(deliveries.c.replay)
    )
    earlier: dict[tuple[int, str], dict[int, State]] = {}
    for row in connection.execute(query):
        earlier.setdefault((row.event_seq, row.handler), {})[row.replay] = State(row.state)

    wanted, in_flight, passed_over = [], [], 0
    for seq, handler, event_state in candidates:
        runs = earlier.get((seq, handler), {})
        about_to_run = ORIGINAL_RUN not in runs and event_state in UNFINISHED
        if about_to_run or any(state in UNFINISHED for state in runs.values()):
            in_flight.append(f"{ids[seq]} {handler}")
        elif replay.only_failed and list(runs.values())[-1:] != [State.DEAD]:
            passed_over += 1
        else:
            wanted.append((seq, handler))
    return _Turn(wanted=wanted, in_flight=in_flight, passed_over=passed_over)


def _note_progress(
    connection: Connection, replay: Replay, planned: _Turn, cursor: int, looked_at: int, finished: bool
) -> None:
    connection.execute(
        update(replays)
        .where(replays.c.id == replay.id)
        .values(
            cursor=cursor,
            events=replay.events + looked_at,
            fed=replay.fed + len(planned.wanted),
            passed_over=replay.passed_over + planned.passed_over + len(planned.in_flight),
            in_flight=[*replay.in_flight, *planned.in_flight][:_NAMED_AT_MOST],
            **({"state": ReplayState.DONE, "finished_at": database_now()} if finished else {}),
        )
    )
