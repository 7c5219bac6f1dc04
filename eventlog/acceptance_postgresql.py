"""What acceptance does on PostgreSQL alone: most of a batch by statements that commit by themselves.

Each takes two round trips, where a transaction takes five. What one of them leaves is for the next.
"""

from collections.abc import Sequence

from sqlalchemy import select

from eventlog import arrivals_postgresql
from eventlog.arrival import Arrival, Receipt, by_event_id, event_row
from eventlog.database import EventLog
from eventlog.tables import events


def store_new(log: EventLog, arrivals: Sequence[Arrival]) -> dict[int, Receipt]:
    """Store those whose events the log does not have, and which came once; gives receipts by place."""
    came_once = {id_: copies[0] for id_, copies in by_event_id(arrivals).items() if len(copies) == 1}
    if not came_once:
        return {}
    with log.write_single_statements() as cursor:
        new = arrivals_postgresql.write_events_with_bodies(
            cursor,
            [event_row([arrival]) for arrival in came_once.values()],
            [arrival.event.body for arrival in came_once.values()],
        )
    return {came_once[id_].place: Receipt.NEW for id_ in new}


def count_copies_of_known(log: EventLog, arrivals: Sequence[Arrival]) -> dict[int, Receipt]:
    """Count those whose events the log has with the same body; gives receipts by place."""
    alike = {
        id_: copies
        for id_, copies in by_event_id(arrivals).items()
        if len({copy.digest for copy in copies}) == 1
    }
    if not alike:
        return {}
    with log.write_single_statements() as cursor:
        counted = arrivals_postgresql.count_copies(
            cursor, [(id_, copies[0].digest, len(copies)) for id_, copies in alike.items()]
        )
    return {arrival.place: Receipt.DUPLICATE for id_ in counted for arrival in alike[id_]}


def find_locked(log: EventLog, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Find those whose events the log has, in rows that another transaction holds."""
    known = select(events.c.id).where(events.c.id.in_({arrival.event.id for arrival in arrivals}))
    free = known.with_for_update(key_share=True, skip_locked=True)
    with log.write() as connection:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{arrivals_postgresql.LOCK_TIMEOUT}'")
        locked = set(connection.execute(known).scalars()) - set(connection.execute(free).scalars())
    return [arrival for arrival in arrivals if arrival.event.id in locked]
