"""Locks on PostgreSQL under which it is decided whose turn it is; SQLite has one writer at a time anyway."""

import hashlib
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, text

# Two numbers: keys of one number are announcements of the intake (`open_transactions`).
_LOCK: Final = text(
    "SELECT pg_advisory_xact_lock_shared(:namespace, 0) UNION ALL"
    " SELECT pg_advisory_xact_lock(:namespace, key) FROM unnest(CAST(:keys AS int[])) AS key"
)
_LOCK_ALL: Final = text("SELECT pg_advisory_xact_lock(:namespace, 0)")
_LINES: Final = 0x4843_0010
_HANDLERS: Final = 0x4843_0011
_MANY: Final = 1000
"""PostgreSQL has room for some thousand locks of all its connections; who wants more takes one for all."""


def lock_lines(connection: Connection, lines: Iterable[tuple[str, str]]) -> None:
    """Have nobody else enter or leave these lines, given as handler and subject, until the commit."""
    _lock(connection, _LINES, ("\0".join(line) for line in lines))


def lock_slots(connection: Connection, handlers: Iterable[str]) -> None:
    """Have nobody else take or free a slot of these handlers until the commit."""
    _lock(connection, _HANDLERS, handlers)


def _lock(connection: Connection, namespace: int, names: Iterable[str]) -> None:
    if connection.dialect.name != "postgresql":
        return
    # Sorted: two transactions that take the same locks in other orders deadlock each other.
    keys = sorted({_key(name) for name in names})
    if len(keys) > _MANY:
        connection.execute(_LOCK_ALL, {"namespace": namespace})
    elif keys:
        connection.execute(_LOCK, {"namespace": namespace, "keys": keys})


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], signed=True) or 1
