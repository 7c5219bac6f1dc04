"""Find what is due of the deliveries that run alone: each in its queue, by an index of those alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from eventlog.database import EventLog
from eventlog.given import is_one_of
from eventlog.instant import database_now, database_now_plus, microseconds
from eventlog.query_plans import once
from eventlog.states import REQUEUE_GRACE, State
from eventlog.sweep import Swept
from eventlog.tables import deliveries, events, one_of

TURN: Final = 1000
"""So many rows of each state at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueAlone:
    """What one look found."""

    queues: tuple[str, ...]
    """Those in which something is due."""
    next_throttled_in: timedelta | None
    """Until the next throttled one may begin, zero where it may now."""


# The states are written out, not bound: only so are the rows found by the index over those.
_FIRST_DUE: Final = {
    state: select(deliveries.c.queue, deliveries.c.due_at)
    .where(
        one_of(deliveries.c.state, state),
        deliveries.c.queue > bindparam("after"),
        deliveries.c.due_at.isnot(None),
    )
    .order_by(deliveries.c.queue, deliveries.c.due_at)
    .limit(1)
    for state in (State.WAITING, State.THROTTLED, State.QUEUED)
}
_DUE: Final = {
    state: select(deliveries.c.id)
    .where(
        one_of(deliveries.c.state, state),
        deliveries.c.queue == bindparam("of_queue"),
        deliveries.c.due_at <= once(database_now_plus("later_us")),
    )
    .order_by(deliveries.c.due_at)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
    for state in (State.WAITING, State.THROTTLED, State.QUEUED, State.RUNNING)
}
_READ: Final = (
    select(deliveries.c.id, deliveries.c.replay, events.c.id.label("event_id"), events.c.received_at)
    .join(events, events.c.seq == deliveries.c.event_seq)
    .where(is_one_of(deliveries.c.id, "ids"))
    .order_by(events.c.seq)
)


def look_for_due(log: EventLog, *, with_queued: bool = True) -> DueAlone:
    """Tell where anything is due; nearly every time that is nowhere.

    Without `with_queued`, what no job came for is not looked for.
    """
    with log.read() as connection:
        now = connection.execute(select(database_now())).scalar_one()
        waiting = _first_due(connection, State.WAITING)
        throttled = _first_due(connection, State.THROTTLED)
        queued = _first_due(connection, State.QUEUED) if with_queued else {}
    first = [*waiting.items(), *throttled.items(), *queued.items()]
    return DueAlone(
        queues=tuple(sorted({queue for queue, due_at in first if due_at <= now})),
        next_throttled_in=max(min(throttled.values()) - now, timedelta(0)) if throttled else None,
    )


def _first_due(connection: Connection, state: State) -> dict[str, datetime]:
    """Give the first due time in each queue; it costs one row of each, whatever waits in them."""
    found: dict[str, datetime] = {}
    after = ""
    while (row := connection.execute(_FIRST_DUE[state], {"after": after}).one_or_none()) is not None:
        after = row.queue
        found[row.queue] = row.due_at
    return found


def sweep_alone(
    log: EventLog,
    queue: str,
    *,
    queued_for: timedelta | None = timedelta(0),
    again_in: timedelta = REQUEUE_GRACE,
    end_leases: bool = False,
) -> list[Swept]:
    """Queue what is due there, a thousand rows of each state a turn; send jobs for what this returns.

    What stays queued is found again after `again_in`, and longer by `queued_for`; with None, not now. With
    `end_leases` the database's clock alone ends leases, else whoever watches them does (`LeaseWatch`).
    """
    return log.write_again_after_collisions(
        partial(_sweep, queue=queue, queued_for=queued_for, again_in=again_in, end_leases=end_leases)
    )


def _sweep(
    connection: Connection, *, queue: str, queued_for: timedelta | None, again_in: timedelta, end_leases: bool
) -> list[Swept]:
    lateness = {State.WAITING: timedelta(0), State.THROTTLED: timedelta(0)}
    if end_leases:
        lateness[State.RUNNING] = timedelta(0)
    if queued_for is not None:
        lateness[State.QUEUED] = queued_for
    rows: dict[int, State] = {}
    for state, late in lateness.items():
        given = {"of_queue": queue, "later_us": -microseconds(late), "at_most": TURN}
        rows |= dict.fromkeys(connection.execute(_DUE[state], given).scalars(), state)
    if not rows:
        return []
    connection.execute(
        update(deliveries)
        .where(is_one_of(deliveries.c.id, "ids"))
        .values(state=State.QUEUED, lease=None, due_at=database_now_plus(again_in)),
        {"ids": list(rows)},
    )
    return [
        Swept(
            event_id=row.event_id,
            replay=row.replay,
            received_at=row.received_at,
            was=rows[row.id],
            queue=queue,
        )
        for row in connection.execute(_READ, {"ids": list(rows)})
    ]
