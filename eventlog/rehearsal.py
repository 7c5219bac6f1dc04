"""Claim an event whatever its state, for users' tests of handlers: no worker is there to queue it."""

from datetime import timedelta

from sqlalchemy import update

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.event import Event
from eventlog.instant import database_now_plus
from eventlog.leases import new_lease
from eventlog.schema import upgrade
from eventlog.states import State
from eventlog.tables import events


def rehearse(log: EventLog, event: Event, lasting: timedelta) -> tuple[int, str]:
    """Store the event, making the log's tables where they lack, and claim it; gives its seq and the lease."""
    upgrade(log)
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
