"""Find what is due of the deliveries that run alone: each in its queue, by an index of those alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, Select, false, func, or_, select, update

from eventlog.acceptance import REQUEUE_GRACE
from eventlog.database import EventLog
from eventlog.instant import database_now, database_now_plus
from eventlog.query_plans import unindexed
from eventlog.states import State
from eventlog.sweep import Swept
from eventlog.tables import deliveries, events

_TURN: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DueAlone:
    """What one look found."""

    queues: tuple[str, ...]
    """Those in which something is due."""
    next_throttled_in: timedelta | None
    """Until the next throttled one may begin, zero where it may now."""


def look_for_due(log: EventLog, *, with_queued: bool = True) -> DueAlone:
    """Tell where anything is due; nearly every time that is nowhere.

    Without `with_queued`, what no job came for is not looked for.
    """
    queued_for = timedelta(0) if with_queued else None
    due = _due(queued_for).with_only_columns(deliveries.c.queue).distinct()
    throttled = select(func.min(deliveries.c.due_at).label("first"), database_now().label("now")).where(
        deliveries.c.queue.isnot(None),
        deliveries.c.due_at.isnot(None),
        unindexed(deliveries.c.state) == State.THROTTLED,
    )
    with log.read() as connection:
        queues = tuple(sorted(connection.execute(due).scalars()))
        row = connection.execute(throttled).one()
    waits = None if row.first is None else max(row.first - row.now, timedelta(0))
    return DueAlone(queues=queues, next_throttled_in=waits)


def sweep_alone(
    log: EventLog,
    queue: str,
    *,
    queued_for: timedelta | None = timedelta(0),
    again_in: timedelta = REQUEUE_GRACE,
    end_leases: bool = False,
) -> list[Swept]:
    """Queue what is due there, some thousand rows a turn; send jobs for what this returns.

    What stays queued is found again after `again_in`, and longer by `queued_for`; with None, not now. With
    `end_leases` the database's clock alone ends leases, else whoever watches them does (`LeaseWatch`).
    """
    return log.write_again_after_collisions(
        partial(_sweep, queue=queue, queued_for=queued_for, again_in=again_in, end_leases=end_leases)
    )


def _sweep(
    connection: Connection, *, queue: str, queued_for: timedelta | None, again_in: timedelta, end_leases: bool
) -> list[Swept]:
    picked = (
        _due(queued_for, end_leases=end_leases)
        .where(unindexed(deliveries.c.queue) == queue)
        .order_by(deliveries.c.due_at)
        .limit(_TURN)
        .with_for_update(skip_locked=True)
    )
    rows: Mapping[int, State] = {
        row.id: State(row.state) for row in connection.execute(picked.add_columns(deliveries.c.state))
    }
    if not rows:
        return []
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(rows))
        .values(state=State.QUEUED, lease=None, due_at=database_now_plus(again_in))
    )
    query = (
        select(deliveries.c.id, deliveries.c.replay, events.c.id.label("event_id"), events.c.received_at)
        .join(events, events.c.seq == deliveries.c.event_seq)
        .where(deliveries.c.id.in_(rows))
        .order_by(events.c.seq)
    )
    return [
        Swept(
            event_id=row.event_id,
            replay=row.replay,
            received_at=row.received_at,
            was=rows[row.id],
            queue=queue,
        )
        for row in connection.execute(query)
    ]


def _due(queued_for: timedelta | None, *, end_leases: bool = False) -> Select[tuple[int]]:
    state = unindexed(deliveries.c.state)
    at_once = (State.WAITING, State.THROTTLED, *([State.RUNNING] if end_leases else []))
    return select(deliveries.c.id).where(
        deliveries.c.queue.isnot(None),
        deliveries.c.due_at <= database_now_plus(timedelta(0)),
        or_(
            state.in_(at_once),
            false()
            if queued_for is None
            else (state == State.QUEUED) & (deliveries.c.due_at <= database_now_plus(-queued_for)),
        ),
    )
