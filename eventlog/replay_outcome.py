"""Which deliveries of a replay ended dead, and why."""

from dataclasses import dataclass

from sqlalchemy import and_, select

from eventlog.database import EventLog
from eventlog.query_plans import is_of_replay
from eventlog.states import State
from eventlog.tables import deliveries, events, failures


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadDelivery:
    """One event that a handler gave up on in a replay."""

    event_id: str
    handler: str
    error_type: str | None
    message: str | None


def read_dead(log: EventLog, replay_id: int, *, limit: int) -> list[DeadDelivery]:
    """List the first of a replay's dead deliveries, with their last failure."""
    last_failure = and_(
        failures.c.event_seq == deliveries.c.event_seq,
        failures.c.handler == deliveries.c.handler,
        failures.c.replay == deliveries.c.replay,
        failures.c.attempt == deliveries.c.attempts,
    )
    query = (
        select(events.c.id.label("event_id"), deliveries.c.handler, failures.c.error_type, failures.c.message)
        .select_from(deliveries)
        .join(events, events.c.seq == deliveries.c.event_seq)
        .outerjoin(failures, last_failure)
        .where(is_of_replay(deliveries, replay_id), deliveries.c.state == State.DEAD)
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    with log.read() as connection:
        return [DeadDelivery(**row._asdict()) for row in connection.execute(query)]
