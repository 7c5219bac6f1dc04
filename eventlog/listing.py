"""Pages of events: the newest first, or those that arrived after a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.engine import Row

from eventlog.database import EventLog
from eventlog.hold import ORIGINAL_RUN
from eventlog.newest import newest_seqs
from eventlog.open_transactions import settled_upto
from eventlog.query_plans import unindexed
from eventlog.received import Window
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import deliveries, events


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEvent:
    """One event as a listing shows it, without its body."""

    seq: int
    id: str
    type: str
    subject: str | None
    created_at: datetime | None
    received_at: datetime
    state: State
    due_at: datetime | None
    seen: int
    dead_handlers: tuple[str, ...]
    """The handlers that gave up in the original run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some events, the newest first."""

    events: tuple[ListedEvent, ...]
    next_before: int | None
    """The seq below which the next page begins; None where this page is the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Some events in the order of their arrival."""

    events: tuple[ListedEvent, ...]
    cursor: int
    """Reading after this seq misses no event, also none that commits late."""
    more: bool
    """Whether there may be more to read at once."""


def read_page(log: EventLog, selection: Selection, *, limit: int, before: int | None = None) -> Page:
    """Read the newest events, or the newest of those with a lower seq than `before`."""
    within = Window() if before is None else Window(below=before)
    with log.read() as connection:
        found = _read_newest(connection, selection, within, limit + 1)
    page = found[:limit]
    return Page(events=page, next_before=page[-1].seq if len(found) > limit else None)


def read_latest(log: EventLog, selection: Selection, *, limit: int) -> Arrivals:
    """Read the newest events, the oldest of them first, and where to go on from."""
    with log.read() as connection:
        upto = settled_upto(connection)
        found = _read_newest(connection, selection, Window(below=upto + 1), limit)
    return Arrivals(events=found[::-1], cursor=upto, more=False)


def read_arrivals(log: EventLog, selection: Selection, *, after: int, limit: int) -> Arrivals:
    """Read the events with a higher seq than `after`, as far as none can still appear among them."""
    with log.read() as connection:
        upto = settled_upto(connection)
        query = (
            select(events)
            .where(events.c.seq > after, events.c.seq <= upto, *selection.residual_conditions())
            .order_by(events.c.seq)
            .limit(limit)
        )
        found = _read(connection, query)
    more = len(found) == limit
    return Arrivals(events=found, cursor=found[-1].seq if more else max(after, upto), more=more)


def _read_newest(
    connection: Connection, selection: Selection, within: Window, limit: int
) -> tuple[ListedEvent, ...]:
    seqs = newest_seqs(connection, selection, within, limit=limit)
    if not seqs:
        return ()
    return _read(connection, select(events).where(events.c.seq.in_(seqs)).order_by(events.c.seq.desc()))


def _read(connection: Connection, query: Select[Any]) -> tuple[ListedEvent, ...]:
    rows = connection.execute(query).all()
    dead = _dead_handlers(connection, [row.seq for row in rows if row.state == State.DEAD])
    return tuple(_listed(row, dead.get(row.seq, ())) for row in rows)


def _dead_handlers(connection: Connection, seqs: Sequence[int]) -> dict[int, tuple[str, ...]]:
    if not seqs:
        return {}
    query = (
        select(deliveries.c.event_seq, deliveries.c.handler)
        .where(
            deliveries.c.event_seq.in_(seqs),
            deliveries.c.replay == ORIGINAL_RUN,
            # By its events, not by what is dead of all.
            unindexed(deliveries.c.state) == State.DEAD,
        )
        .order_by(deliveries.c.id)
    )
    dead: dict[int, tuple[str, ...]] = {}
    for seq, handler in connection.execute(query):
        dead[seq] = (*dead.get(seq, ()), handler)
    return dead


def _listed(row: Row[Any], dead_handlers: tuple[str, ...]) -> ListedEvent:
    return ListedEvent(
        seq=row.seq,
        id=row.id,
        type=row.type,
        subject=row.subject,
        created_at=row.created_at,
        received_at=row.received_at,
        state=State(row.state),
        due_at=row.due_at,
        seen=row.seen,
        dead_handlers=dead_handlers,
    )
