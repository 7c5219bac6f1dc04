"""What users' tests do with a log: have their own tables in it, look at its rows, claim without a worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import MetaData, update

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.event import Event
from eventlog.instant import database_now_plus
from eventlog.leases import new_lease
from eventlog.states import State
from eventlog.tables import events

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    __all__ = ["MetaData", "Session", "make_tables", "open_session", "rehearse"]


def make_tables(log: EventLog, tables: MetaData) -> None:
    """Make those of the user's own tables that are not there yet."""
    with log.write() as connection:
        tables.create_all(connection)


@contextmanager
def open_session(log: EventLog) -> "Iterator[Session]":
    """Open a session on the log's database, committed at the end of the block."""
    from sqlalchemy.orm import Session  # noqa: PLC0415 - slow to load, and most tests need none

    with log.write() as connection, Session(connection, expire_on_commit=False) as session:
        yield session
        session.flush()


def rehearse(log: EventLog, event: Event, lasting: timedelta) -> tuple[int, str]:
    """Store the event and claim it, whatever its state; gives its seq and the lease."""
    record(log, [event])
    lease = new_lease()
    statement = (
        update(events)
        .where(events.c.id == event.id)
        .values(state=State.RUNNING, lease=lease, due_at=database_now_plus(lasting))
        .returning(events.c.seq)
    )
    with log.write() as connection:
        return connection.execute(statement).scalar_one(), lease
