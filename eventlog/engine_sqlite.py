"""Connections to SQLite: what is said to each, and what is undone before its next use."""

import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

from eventlog.driver import driver_cursor

WRITES: Final = "hooks_writes"
"""The execution option of connections that were opened to write."""


def make(url: URL, *, busy_seconds: float, synchronous: str = "FULL") -> Engine:
    """Make an engine for a file; who finds it locked waits for so many seconds."""
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=8,
        max_overflow=56,
        connect_args={"check_same_thread": False, "timeout": busy_seconds},
    )

    path = Path(str(url.database))

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, record: Any) -> None:  # noqa: ANN401
        connection.isolation_level = None  # SQLAlchemy's begin event below says BEGIN, not the driver
        for pragma in ("journal_mode = WAL", f"synchronous = {synchronous}", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def refuse_a_lost_file(_connection: Any, record: Any, _proxy: Any) -> None:  # noqa: ANN401
        # A file that was removed or replaced still takes commits, through connections opened before; and
        # they are gone when the last of those is closed.
        if record.info["file"] != _identity(path):
            raise DisconnectionError(f"{path} is another file now")

    event.listen(engine, "checkin", undo_what_could_not_be_committed)
    event.listen(engine, "begin", begin_sqlite)
    return engine


def begin_sqlite(connection: Connection) -> None:
    """Say BEGIN in the driver's place, whose `isolation_level` is None."""
    # A deferred transaction that turns to writing fails at once with BUSY_SNAPSHOT, whatever the timeout.
    with driver_cursor(connection) as cursor:
        cursor.execute("BEGIN IMMEDIATE" if writes(connection) else "BEGIN")


def undo_what_could_not_be_committed(connection: sqlite3.Connection | None, _record: Any) -> None:  # noqa: ANN401
    """Leave no transaction open on a connection of SQLite that goes back to its pool."""
    # A COMMIT that failed leaves the transaction open, write lock and all; SQLAlchemy takes it as ended.
    if connection is not None and connection.in_transaction:
        connection.rollback()


def writes(connection: Connection) -> bool:
    """Tell whether this connection was opened to write."""
    return bool(connection.get_execution_options().get(WRITES))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
