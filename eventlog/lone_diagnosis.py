"""What `hooks doctor` asks about deliveries that run alone; the cost follows the work left."""

from sqlalchemy import func, select

from eventlog.database import EventLog
from eventlog.diagnosis import COUNT_LIMIT, Found, found
from eventlog.query_plans import is_unended_alone
from eventlog.states import State
from eventlog.tables import deliveries, events

_LOOKED_AT = 20_000


def read_lone_queues(log: EventLog) -> dict[str, int]:
    """Count what has not ended by queue, among the first twenty thousand such deliveries."""
    some = select(deliveries.c.queue).where(is_unended_alone(deliveries)).limit(_LOOKED_AT).subquery()
    query = select(some.c.queue, func.count()).group_by(some.c.queue).order_by(some.c.queue)
    with log.read() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def read_held_lines(log: EventLog) -> Found:
    """Find the dead deliveries that hold the lines they stand in."""
    query = (
        select(events.c.id, deliveries.c.handler)
        .join(events, events.c.seq == deliveries.c.event_seq)
        .where(deliveries.c.line.isnot(None), deliveries.c.state == State.DEAD)
        .order_by(deliveries.c.handler, deliveries.c.line)
        .limit(COUNT_LIMIT + 1)
    )
    with log.read() as connection:
        return found([f"{row.id} {row.handler}" for row in connection.execute(query)])
