"""One event as it was received, read from the log by its id."""

from sqlalchemy import and_, select

from eventlog.database import EventLog
from eventlog.event import Event
from eventlog.tables import bodies, events


def read_event(log: EventLog, event_id: str) -> Event | None:
    """Read an event with its first body, as a worker would be given it; None where there is none."""
    first_body = and_(bodies.c.event_seq == events.c.seq, bodies.c.sha256 == events.c.body_sha256)
    query = (
        select(events, bodies.c.body)
        .outerjoin_from(events, bodies, first_body)
        .where(events.c.id == event_id)
    )
    with log.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Event(
        id=row.id,
        type=row.type,
        subject=row.subject,
        created_at=row.created_at,
        received_at=row.received_at,
        body=row.body or b"",
    )
