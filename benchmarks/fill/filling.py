"""Fills an empty log with a history: rows in bulk, then the indexes, which is faster than both at once."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import Index, Table

from benchmarks.fill.history import (
    BODY_COLUMNS,
    DELIVERY_COLUMNS,
    EVENT_COLUMNS,
    FAILURE_COLUMNS,
    Rows,
)
from benchmarks.fill.making import pieces
from benchmarks.store import last_seq
from eventlog.database import EventLog
from eventlog.schema import upgrade
from eventlog.tables import bodies, deliveries, events, failures

_COLUMNS: Final = (
    (events, EVENT_COLUMNS),
    (bodies, BODY_COLUMNS),
    (deliveries, DELIVERY_COLUMNS),
    (failures, FAILURE_COLUMNS),
)
_TELL_EVERY: Final = 500_000

Tell = Callable[[str], None]
Write = Callable[[Table, tuple[str, ...], list[tuple[Any, ...]]], None]


def fill(url: str, number: int, *, tell: Tell = print) -> None:
    """Make the tables and put so many events into them; end with one line where the log has events already.

    Nobody else may use the log meanwhile: it has no indexes until the end.
    """
    log = EventLog.open(url)
    try:
        upgrade(log)
        if last_seq(log):
            raise SystemExit("this log has events already; a history is made in an empty database only")
        began = time.monotonic()
        indexes = _drop_indexes(log)
        is_sqlite = log.is_sqlite
        log.close()
        with _sqlite(url) if is_sqlite else _postgresql(url) as write:
            _write_history(write, number, tell)
        tell(f"rows written after {time.monotonic() - began:.0f} s; making {len(indexes)} indexes")
        _make_indexes(log, indexes)
        if not is_sqlite:
            _vacuum(url)
        tell(f"{number:,} events after {time.monotonic() - began:.0f} s")
    finally:
        log.close()


def _write_history(write: Write, number: int, tell: Tell) -> None:
    written = told = 0
    for rows in pieces(number, now_us=int(time.time() * 1e6)):
        for table, columns in _COLUMNS:
            write(table, columns, _of(rows, table))
        written += len(rows.events)
        if written - told >= _TELL_EVERY:
            told = written
            tell(f"{written:,} events")


def _of(rows: Rows, table: Table) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = getattr(rows, table.name)
    return found


@contextmanager
def _sqlite(url: str) -> Iterator[Write]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-2000000", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")

        def write(table: Table, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
            marks = ", ".join("?" * len(columns))
            connection.executemany(
                f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})",
                rows,
            )

        yield write
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")


@contextmanager
def _postgresql(url: str) -> Iterator[Write]:
    with psycopg.connect(url) as session:
        session.execute("SET synchronous_commit = off")
        constraints = _drop_constraints(session)

        def write(table: Table, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            copying = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
            with session.cursor() as cursor, cursor.copy(copying) as copy:
                for row in rows:
                    copy.write_row(row)

        yield write
        for table, key in ((events, "seq"), (deliveries, "id"), (failures, "id")):
            session.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), (SELECT max({}) FROM {}))").format(
                    sql.Literal(table.name), sql.Literal(key), sql.Identifier(key), sql.Identifier(table.name)
                )
            )
        session.execute("SET maintenance_work_mem = '512MB'")
        for statement in constraints:
            session.execute(statement)


def _drop_constraints(session: psycopg.Connection[Any]) -> list[sql.Composed]:
    """Drop what would be checked row by row, but the primary keys; gives what makes it again."""
    rows = session.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype IN ('u', 'f') AND conrelid::regclass::text = ANY(%s)"
        # Keys that others refer to come after what refers to them, and are made again before.
        " ORDER BY contype",
        ([table.name for table, _ in _COLUMNS],),
    ).fetchall()
    for table, name, _ in rows:
        session.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(table), sql.Identifier(name))
        )
    return [
        sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
            sql.Identifier(table), sql.Identifier(name), sql.SQL(definition)
        )
        for table, name, definition in reversed(rows)
    ]


def _drop_indexes(log: EventLog) -> list[Index]:
    indexes = [index for table, _ in _COLUMNS for index in table.indexes]
    with log.write() as connection:
        for index in indexes:
            index.drop(connection)
    return indexes


def _make_indexes(log: EventLog, indexes: list[Index]) -> None:
    for index in indexes:
        with log.write() as connection:
            if not log.is_sqlite:
                connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
            index.create(connection)


def _vacuum(url: str) -> None:
    """Do what autovacuum would have done over the months."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("VACUUM (ANALYZE)")
