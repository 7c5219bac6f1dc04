"""A log in memory, for users' tests: the real tables and statements, and a clock that may be set."""

import functools
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    QueuePool,
    Select,
    StaticPool,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    select,
    text,
)

from eventlog.database import EventLog
from eventlog.engine_sqlite import begin_sqlite, undo_what_could_not_be_committed, writes
from eventlog.gate import WriterStuck
from eventlog.instant import Instant
from eventlog.rehearsal import make_tables
from eventlog.revision import HEAD
from eventlog.states import HELD_BACK, UNFINISHED
from eventlog.tables import deliveries, events, metadata

_PATIENCE_SECONDS: Final = 10.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNIX_EPOCH_DAY: Final = 2440587.5
_DAY_MILLISECONDS: Final = 86_400_000

_STATEMENTS: Final[dict[Any, Any]] = {}
"""Compiled ones, for all logs of a process: most of the time would go into these."""

Clock = Callable[[], datetime]


class InMemoryLog(EventLog):
    """A log that is gone when it is closed; for any number of threads, like every other."""

    def __init__(self, *, now: Clock | None = None, tables: MetaData | None = None) -> None:
        """Make it, with the user's own `tables` in it; `now` is its clock, in the machine's stead."""
        self.before_commit: Callable[[], None] | None = None
        """Called when a transaction that wrote is about to be committed; what it raises undoes that."""
        # Shared by the connections of this process that name it, and kept as long as one of them is open.
        self._name = f"file:/hooks-{secrets.token_hex(8)}?vfs=memdb"
        self._now = now
        self._anchor = sqlite3.connect(self._name, uri=True, check_same_thread=False)
        _copy_tables(self._anchor)
        template, _ = _template()
        pool = QueuePool(self._connect, pool_size=8, max_overflow=56)  # type: ignore[arg-type]
        engine = Engine(
            pool, template.dialect, template.url, execution_options={"compiled_cache": _STATEMENTS}
        )
        event.listen(engine, "checkin", undo_what_could_not_be_committed)
        event.listen(engine, "begin", begin_sqlite)
        event.listen(engine, "commit", self._committing)
        super().__init__(engine, _ThreadGate())
        if tables is not None:
            make_tables(self, tables)

    def next_due(self, *, after: datetime | None = None) -> datetime | None:
        """Give the first moment at which something unfinished is due; None where nothing ever is."""
        with self.read() as connection:
            found = [
                connection.execute(_next_due(table), {"after": after or _EPOCH}).scalar_one()
                for table in (events, deliveries)
            ]
        return min((moment for moment in found if moment is not None), default=None)

    def close(self) -> None:
        super().close()
        self._anchor.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._name,
            uri=True,
            check_same_thread=False,
            timeout=_PATIENCE_SECONDS,
            isolation_level=None,  # `begin_sqlite` says BEGIN, not the driver
        )
        connection.execute("PRAGMA foreign_keys = ON")
        if self._now is not None:
            _set_clock(connection, self._now)
        return connection

    def _committing(self, connection: Connection) -> None:
        if self.before_commit is not None and writes(connection):
            self.before_commit()


class _ThreadGate:
    """Lets one thread at a time write; nobody else can reach the log."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writer: int | None = None

    @contextmanager
    def pass_through(self) -> Iterator[None]:
        if self._writer == threading.get_ident():
            raise WriterStuck("this thread has a transaction open that writes, and would wait for itself")
        if not self._lock.acquire(timeout=_PATIENCE_SECONDS):
            raise WriterStuck(f"another thread has been writing for more than {_PATIENCE_SECONDS:g} s")
        self._writer = threading.get_ident()
        try:
            yield
        finally:
            self._writer = None
            self._lock.release()


@functools.cache
def _next_due(table: Table) -> Select[Any]:
    later = table.c.due_at > bindparam("after", type_=Instant)
    return select(func.min(table.c.due_at)).where(later, table.c.state.in_((*UNFINISHED, *HELD_BACK)))


def _copy_tables(connection: sqlite3.Connection) -> None:
    template = sqlite3.connect(":memory:")
    try:
        template.deserialize(_template()[1])
        template.backup(connection)
    finally:
        template.close()


@functools.cache
def _template() -> tuple[Engine, bytes]:
    """Make an empty log once a process; to copy its tables, and to share its dialect, takes far less time."""
    driver = sqlite3.connect(":memory:", check_same_thread=False)
    engine = create_engine("sqlite://", creator=lambda: driver, poolclass=StaticPool)
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
    content = driver.serialize()
    engine.dispose()
    return engine, content


def _set_clock(connection: sqlite3.Connection, now: Clock) -> None:
    """Have SQL tell the time by `now`: `database_now` is written with julianday, defaults with the other."""

    def julian_day(*arguments: Any) -> float | None:  # noqa: ANN401 - SQL's own values
        if arguments != ("now",):
            return _true_julian_day(arguments)
        milliseconds = round(now().timestamp() * 1000)
        # In the middle of its millisecond, so that cutting it to whole ones loses none.
        return _UNIX_EPOCH_DAY + (milliseconds + 0.5) / _DAY_MILLISECONDS

    def current_timestamp() -> str:
        return now().astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")

    connection.create_function("julianday", -1, julian_day)
    connection.create_function("current_timestamp", 0, current_timestamp)


def _true_julian_day(arguments: tuple[Any, ...]) -> float | None:
    # Asked of a connection where it still is SQLite's own.
    plain = sqlite3.connect(":memory:")
    try:
        marks = ", ".join("?" * len(arguments))
        found: float | None = plain.execute(f"SELECT julianday({marks})", arguments).fetchone()[0]
    finally:
        plain.close()
    return found
