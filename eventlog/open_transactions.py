"""How far a reader with a cursor may go, so that it misses no event that commits late.

On PostgreSQL a lower seq can commit after a higher one. Each transaction that takes events in therefore
announces, by a shared advisory lock whose key holds it, a seq below all those that it will be given; a
reader stops at the lowest one announced. SQLite has one writer at a time and needs none of it.
"""

from typing import Final

from sqlalchemy import Connection, func, select, text

from eventlog.tables import events

_NAMESPACE: Final = 0x4843 << 48
_SEQ_MASK: Final = (1 << 48) - 1

# Until the first seq is given, last_value names that one already, and is_called is false.
ANNOUNCEMENT: Final = (
    f"pg_advisory_xact_lock_shared({_NAMESPACE}::bigint | (last_value - (NOT is_called)::int))"
)
"""What a transaction on PostgreSQL selects from events_seq_seq before it inserts events."""
_LAST_GIVEN: Final = text("SELECT last_value - (NOT is_called)::int FROM events_seq_seq")
_LOWEST_ANNOUNCED: Final = text(
    "SELECT min(((classid::bigint << 32) | objid::bigint) & :mask) FROM pg_locks"
    " WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = :namespace"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def settled_upto(connection: Connection) -> int:
    """Give the highest seq below which no event can appear any more; call before the events are read.

    The order matters: the last seq given out first, then the announcements. A transaction that announces
    itself after that is given only higher ones.
    """
    if connection.dialect.name != "postgresql":
        return int(connection.execute(select(func.coalesce(func.max(events.c.seq), 0))).scalar_one())
    last_given = connection.execute(_LAST_GIVEN).scalar_one()
    lowest = connection.execute(
        _LOWEST_ANNOUNCED, {"mask": _SEQ_MASK, "namespace": _NAMESPACE >> 48}
    ).scalar_one()
    return int(last_given if lowest is None else min(last_given, lowest))
