"""The leases that are held now, and freeing what an ended one holds."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy import Connection, Table, func, select

from eventlog.database import EventLog
from eventlog.instant import database_now
from eventlog.states import State
from eventlog.tables import deliveries, events

_TURN_LEASES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLeases:
    """What one look found."""

    until: Mapping[str, datetime]
    """By the database's clock; the last of its rows, as a renewal writes them one after the other."""
    database_now: datetime
    asked: float
    """Just before the database's clock was read, on a monotonic one."""
    answered: float


def read_held_leases(log: EventLog, *, monotonic: Callable[[], float] = time.monotonic) -> HeldLeases:
    """List the leases of running events and deliveries; it reads the index of those alone."""
    until: dict[str, datetime] = {}
    with log.read() as connection:
        connection.execute(select(1))  # begins the transaction, whatever that takes
        asked = monotonic()
        now = connection.execute(select(database_now())).scalar_one()
        answered = monotonic()
        for table in (events, deliveries):
            query = (
                select(table.c.lease, func.max(table.c.due_at))
                .where(table.c.lease.isnot(None), table.c.state == State.RUNNING)
                .group_by(table.c.lease)
            )
            until |= {lease: latest for lease, latest in connection.execute(query) if latest is not None}
    return HeldLeases(until=until, database_now=now, asked=asked, answered=answered)


def lock_ended(connection: Connection, table: Table, ended: Mapping[str, datetime]) -> list[int]:
    """Lock the rows of ended leases, some leases a turn, and give their keys.

    A lease that was renewed since is spared.
    """
    key = next(iter(table.primary_key))
    query = (
        select(key, table.c.lease, table.c.due_at)
        .where(table.c.lease.in_(list(islice(ended, _TURN_LEASES))), table.c.state == State.RUNNING)
        .with_for_update(skip_locked=True)
    )
    keys: dict[str, list[int]] = {}
    until: dict[str, datetime] = {}
    for row_key, lease, due_at in connection.execute(query):
        keys.setdefault(lease, []).append(row_key)
        until[lease] = max(until.get(lease, due_at), due_at)
    return [each for lease, of_lease in keys.items() if until[lease] == ended[lease] for each in of_lease]
