"""Looks at the log's rows as they are, and sets their due times: a test that needs time gets no sleep."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, select, update

from eventlog.database import EventLog
from eventlog.instant import database_now_plus
from eventlog.tables import bodies, deliveries, events, failures

LONG = timedelta(minutes=5)


def event_row(log: EventLog, event_id: str) -> Row[Any]:
    with log.read() as connection:
        return connection.execute(select(events).where(events.c.id == event_id)).one()


def bodies_of(log: EventLog, event_id: str) -> dict[bytes, bytes]:
    """Give the event's bodies by their SHA-256."""
    query = select(bodies).join(events).where(events.c.id == event_id)
    with log.read() as connection:
        return {row.sha256: row.body for row in connection.execute(query)}


def delivery_rows(log: EventLog, event_id: str, *, replay: int = 0) -> dict[str, Row[Any]]:
    """Give the deliveries of an event's run by their handlers."""
    query = select(deliveries).join(events).where(events.c.id == event_id, deliveries.c.replay == replay)
    with log.read() as connection:
        return {row.handler: row for row in connection.execute(query)}


def failure_rows(log: EventLog, event_id: str) -> Sequence[Row[Any]]:
    query = select(failures).join(events).where(events.c.id == event_id).order_by(failures.c.id)
    with log.read() as connection:
        return connection.execute(query).all()


def count_events(log: EventLog) -> int:
    with log.read() as connection:
        return connection.execute(select(func.count()).select_from(events)).scalar_one()


def make_event_due(log: EventLog, *ids: str, in_: timedelta = -LONG) -> None:
    """Set when the sweeper has to look at events, by the database's clock."""
    with log.write() as connection:
        connection.execute(update(events).where(events.c.id.in_(ids)).values(due_at=database_now_plus(in_)))


def make_delivery_due(log: EventLog, handler: str, *, in_: timedelta = -LONG) -> None:
    """Set when a handler's deliveries are due, by the database's clock."""
    with log.write() as connection:
        connection.execute(
            update(deliveries).where(deliveries.c.handler == handler).values(due_at=database_now_plus(in_))
        )


def seconds_until_due(log: EventLog, row: Row[Any]) -> float:
    """Say how far off a row's due time is by the database's clock."""
    with log.read() as connection:
        now = connection.execute(select(database_now_plus(timedelta(0)))).scalar_one()
    due: float = row.due_at.timestamp()
    return due - now / 1_000_000
