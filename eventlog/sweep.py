"""Find what fell through: retries due, leases that ended, and queued events that no job came for.

A SIGKILLed worker, a wiped Redis and a retry are one case here. Each turn is one UPDATE, so that any number
of sweepers may run; it reads partial indexes over unfinished rows: its cost follows the work left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, Table, Update, func, literal_column, select, update

from eventlog.database import EventLog
from eventlog.held_leases import lock_ended
from eventlog.hold import ORIGINAL_RUN
from eventlog.instant import database_now_plus
from eventlog.query_plans import in_state_until, is_unfinished, once, unindexed
from eventlog.states import REQUEUE_GRACE, UNFINISHED, State
from eventlog.tables import deliveries, events

_TURN: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """Something to send a job for."""

    event_id: str
    replay: int
    received_at: datetime
    was: State
    """Waiting: its retry is due. Running: its lease ran out. Queued: no job came for it. Throttled: it may
    begin now."""
    queue: str | None = None
    """Where it is claimed, of a delivery that runs alone."""


def sweep(
    log: EventLog,
    *,
    states: Sequence[State] = UNFINISHED,
    again_in: timedelta = REQUEUE_GRACE,
    ended: Mapping[str, datetime] | None = None,
    queued_for: timedelta = timedelta(0),
) -> list[Swept]:
    """Queue what is due of these states, a thousand rows of each a turn; send jobs for what this returns.

    `ended` are the leases to end, as `LeaseWatch` gives them; without it the database's clock alone says
    which have run out, and where that jumped, living workers lose theirs. A row that stays queued is found
    again after `again_in`, and longer by `queued_for`: so long it may wait in a job. Raises `LogUnavailable`.
    """
    late = {State.QUEUED: queued_for}
    timed = [state for state in states if _is_timed(state, ended)]
    if not ended and not _anything_due(log, timed, late):
        return []
    swept: list[Swept] = []
    for was in states:
        if _is_timed(was, ended):
            turns = (
                partial(_sweep_events, was=was, again_in=again_in, late=late),
                partial(_sweep_replays, was=was, again_in=again_in, late=late),
            )
        elif ended:
            turns = (
                partial(_end_events, ended=ended, again_in=again_in),
                partial(_end_deliveries, ended=ended, again_in=again_in),
            )
        else:
            continue
        for turn in turns:
            swept += log.write_again_after_collisions(turn)
    return swept


def is_any_left(log: EventLog, *, queued_for: timedelta) -> bool:
    """Tell whether a sweep left anything that is due, as more was than fits into one turn."""
    return _anything_due(log, (State.QUEUED, State.WAITING), {State.QUEUED: queued_for})


def _is_timed(state: State, ended: Mapping[str, datetime] | None) -> bool:
    """Tell whether the database's clock decides what is due of a state."""
    return state is not State.RUNNING or ended is None


def _anything_due(log: EventLog, states: Sequence[State], late: Mapping[State, timedelta]) -> bool:
    # Nearly every turn finds nothing: asking first keeps the clock out of the line of writers.
    with log.read() as connection:
        return any(
            connection.execute(_due(table, state, late).limit(1)).first() is not None
            for table in (events, deliveries)
            for state in states
        )


def _sweep_events(
    connection: Connection, *, was: State, again_in: timedelta, late: Mapping[State, timedelta]
) -> list[Swept]:
    # Rows that another transaction holds are left for the next turn: they are being worked on.
    picked = _due(events, was, late).limit(_TURN).with_for_update(skip_locked=True)
    return _requeue_events(connection, events.c.seq.in_(picked.scalar_subquery()), was, again_in)


def _sweep_replays(
    connection: Connection, *, was: State, again_in: timedelta, late: Mapping[State, timedelta]
) -> list[Swept]:
    picked = _due(deliveries, was, late).limit(_TURN).with_for_update(skip_locked=True)
    return _requeue_deliveries(connection, deliveries.c.id.in_(picked.scalar_subquery()), was, again_in)


def _end_events(connection: Connection, *, ended: Mapping[str, datetime], again_in: timedelta) -> list[Swept]:
    keys = lock_ended(connection, events, ended)
    return _requeue_events(connection, events.c.seq.in_(keys), State.RUNNING, again_in) if keys else []


def _end_deliveries(
    connection: Connection, *, ended: Mapping[str, datetime], again_in: timedelta
) -> list[Swept]:
    keys = lock_ended(connection, deliveries, ended)
    return _requeue_deliveries(connection, deliveries.c.id.in_(keys), State.RUNNING, again_in) if keys else []


def _requeue_events(
    connection: Connection, which: ColumnElement[bool], was: State, again_in: timedelta
) -> list[Swept]:
    statement = _requeue(events, which, again_in).returning(events.c.id, events.c.received_at)
    return [
        Swept(event_id=row.id, replay=ORIGINAL_RUN, received_at=row.received_at, was=was)
        for row in connection.execute(statement)
    ]


def _requeue_deliveries(
    connection: Connection, which: ColumnElement[bool], was: State, again_in: timedelta
) -> list[Swept]:
    statement = _requeue(deliveries, which, again_in).returning(
        deliveries.c.event_seq, deliveries.c.replay, func.coalesce(deliveries.c.queue, "").label("queue")
    )
    found = {(row.event_seq, row.replay, row.queue) for row in connection.execute(statement)}
    if not found:
        return []
    query = select(events.c.seq, events.c.id, events.c.received_at).where(
        events.c.seq.in_({seq for seq, _, _ in found})
    )
    by_seq = {row.seq: row for row in connection.execute(query)}
    return [
        Swept(
            event_id=by_seq[seq].id,
            replay=replay,
            received_at=by_seq[seq].received_at,
            was=was,
            queue=queue or None,
        )
        for seq, replay, queue in sorted(found)
        if seq in by_seq
    ]


def _due(table: Table, state: State, late: Mapping[State, timedelta]) -> Select[tuple[int]]:
    key = next(iter(table.primary_key))
    until = once(database_now_plus(-late.get(state, timedelta(0))))
    if table is events:
        # By the state, too, which all of them have: this is the order of the index.
        return select(key).where(in_state_until(state, until)).order_by(events.c.state, events.c.due_at)
    return (
        select(key)
        .where(
            is_unfinished(deliveries),
            deliveries.c.due_at <= until,
            unindexed(deliveries.c.state) == state,
            deliveries.c.replay > literal_column(str(ORIGINAL_RUN)),
            deliveries.c.queue.is_(None),
        )
        .order_by(deliveries.c.due_at)
    )


def _requeue(table: Table, which: ColumnElement[bool], again_in: timedelta) -> Update:
    return (
        update(table).where(which).values(state=State.QUEUED, lease=None, due_at=database_now_plus(again_in))
    )
