"""The log in order of arrival, page by page, for a reader who takes all of it exactly once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select

from eventlog.database import EventLog
from eventlog.detail import Delivery, read_deliveries_of
from eventlog.open_transactions import settled_upto
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import bodies, events


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedEvent:
    """One event with its outcome and its first body."""

    seq: int
    id: str
    type: str
    subject: str | None
    created_at: datetime | None
    received_at: datetime
    state: State
    due_at: datetime | None
    seen: int
    body_sha256: bytes
    deliveries: tuple[Delivery, ...]
    body: bytes | None
    """Byte for byte; None where it is no longer kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPage:
    """Some events in the order of their arrival."""

    events: tuple[ExportedEvent, ...]
    cursor: int
    """Going on after this seq gives what follows, and nothing twice."""
    finished: bool


def read_end(log: EventLog) -> int:
    """Give the seq at which an export that starts now ends: no event can appear below it any more."""
    with log.read() as connection:
        return settled_upto(connection)


def read_export_page(log: EventLog, selection: Selection, *, after: int, upto: int, limit: int) -> ExportPage:
    """Read the selected events above `after` and not above `upto`, which must come from `read_end`."""
    first_body = and_(
        bodies.c.event_seq == events.c.seq,
        bodies.c.sha256 == events.c.body_sha256,
        # Said of the bodies too: PostgreSQL may begin with the first of all, and go on beside the events.
        bodies.c.event_seq > after,
        bodies.c.event_seq <= upto,
    )
    query = (
        select(events, bodies.c.body)
        .outerjoin_from(events, bodies, first_body)
        .where(events.c.seq > after, events.c.seq <= upto, *selection.conditions())
        .order_by(events.c.seq)
        .limit(limit)
    )
    with log.read() as connection:
        rows = connection.execute(query).all()
        delivered = read_deliveries_of(connection, [row.seq for row in rows]) if rows else {}
    found = tuple(
        ExportedEvent(
            seq=row.seq,
            id=row.id,
            type=row.type,
            subject=row.subject,
            created_at=row.created_at,
            received_at=row.received_at,
            state=State(row.state),
            due_at=row.due_at,
            seen=row.seen,
            body_sha256=row.body_sha256,
            deliveries=delivered.get(row.seq, ()),
            body=row.body,
        )
        for row in rows
    )
    finished = len(found) < limit
    return ExportPage(events=found, cursor=max(after, upto) if finished else found[-1].seq, finished=finished)
