"""The log's connection to its database: transactions that read, and transactions that write."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import Connection, Engine, Table, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from eventlog import engine_postgresql, engine_sqlite
from eventlog.checkpoints import Checkpoints
from eventlog.driver import Cursor, driver_cursor
from eventlog.engine_sqlite import WRITES
from eventlog.errors import InvalidDatabaseUrl, LogUnavailable, RowLocked
from eventlog.faults import Fault, classify
from eventlog.gate import Gate, WriteGate
from eventlog.url import kind_of

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

_Opened = TypeVar("_Opened")
_Result = TypeVar("_Result")

_COLLISION_TRIES: Final = 5
_BUSY_SECONDS: Final = 3


class EventLog:
    """One database with the events in it, open for any number of threads; not across a fork."""

    def __init__(
        self,
        engine: Engine,
        gate: Gate | None,
        *,
        soon: Engine | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        """`soon` is for what need not outlive the machine's end as soon as it is written."""
        self._engine = engine
        self._writer = engine.execution_options(**{WRITES: True})
        self._soon = self._writer if soon is None else soon.execution_options(**{WRITES: True})
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._gate = gate
        self._checkpoints = checkpoints

    @classmethod
    def open(cls, url: str) -> "EventLog":
        """Open the log at a URL of SQLite (`sqlite:///path`) or PostgreSQL (`postgresql://...`).

        Connects on first use. Raises `InvalidDatabaseUrl` for any other URL.
        """
        parsed = parse_url(url)
        if parsed.drivername == "sqlite":
            engine = engine_sqlite.make(parsed, busy_seconds=_BUSY_SECONDS)
            soon = engine_sqlite.make(parsed, busy_seconds=_BUSY_SECONDS, synchronous="NORMAL")
            return cls(
                engine,
                WriteGate(Path(str(parsed.database)), patience_seconds=_BUSY_SECONDS),
                soon=soon,
                checkpoints=Checkpoints(engine, soon),
            )
        return cls(engine_postgresql.make(parsed, busy_seconds=_BUSY_SECONDS), None)

    @property
    def is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    @property
    def location(self) -> str:
        """Say where the log is, without its password."""
        url = self._engine.url.difference_update_query(("password", "sslpassword"))
        return url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads. Raises `LogUnavailable`."""
        with _unavailable_told(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that writes, committed at the end of the block. Raises `LogUnavailable`."""
        with self._writing_by(self._writer) as connection:
            yield connection

    @contextmanager
    def write_soon_durable(self) -> Iterator[Connection]:
        """Open a transaction that writes what is durable with the next one that `write` commits.

        On SQLite it waits for no disk, and a power cut may undo it: right for a claim, which a worker that is
        gone loses anyway. On PostgreSQL it is as any other. Raises as `write` does.
        """
        with self._writing_by(self._soon) as connection:
            yield connection

    @contextmanager
    def _writing_by(self, engine: Engine) -> Iterator[Connection]:
        gate = self._gate.pass_through() if self._gate else nullcontext()
        with _unavailable_told(), gate, engine.begin() as connection:
            yield connection

    @contextmanager
    def write_for_a_handler(self) -> Iterator[Connection]:
        """Open a transaction that writes, undone at the end of the block unless it was committed in there.

        Raises `LogUnavailable` before the block begins; errors in the block stay as they are.
        """
        with ExitStack() as opened:
            with _unavailable_told():
                if self._gate:
                    opened.enter_context(self._gate.pass_through())
                connection = opened.enter_context(self._writer.connect())
                connection.begin()
            yield connection

    @contextmanager
    def write_by_driver(self) -> Iterator[Cursor]:
        """Open a transaction that writes, for SQL in the words of the database's own driver.

        For what is done with every event: SQLAlchemy's work on a statement costs more than the statement.
        Raises as `write` does.
        """
        with self.write() as connection, driver_cursor(connection) as cursor:
            yield cursor

    @contextmanager
    def write_single_statements(self) -> Iterator[Cursor]:
        """Open a connection to PostgreSQL on which each statement commits by itself.

        One takes two round trips in all: the connection is tried first. Raises as `write` does.
        """
        with _unavailable_told(), self._single.begin() as connection, driver_cursor(connection) as cursor:
            yield cursor

    def write_again_after_collisions(
        self, work: Callable[[Connection], _Result], *, soon_durable: bool = False
    ) -> _Result:
        """Run `work` in a transaction that writes, anew when another transaction collided with it."""
        return self._again_after_collisions(self.write_soon_durable if soon_durable else self.write, work)

    def write_by_driver_again_after_collisions(self, work: Callable[[Cursor], _Result]) -> _Result:
        """Run `work` in a transaction of the driver, anew when another transaction collided with it."""
        return self._again_after_collisions(self.write_by_driver, work)

    def _again_after_collisions(
        self, opened: Callable[[], AbstractContextManager[_Opened]], work: Callable[[_Opened], _Result]
    ) -> _Result:
        for tried in range(1, _COLLISION_TRIES + 1):
            try:
                with opened() as transaction:
                    return work(transaction)
            except DBAPIError as error:
                if classify(error) is not Fault.COLLISION:
                    raise
                if tried == _COLLISION_TRIES:
                    raise LogUnavailable(f"{tried} tries collided with other transactions") from error
            time.sleep(random.uniform(0, 0.01 * tried))  # noqa: S311 - spreads the colliding apart
        raise AssertionError("unreachable")

    def insert(self, table: Table) -> "SqliteInsert | PostgresqlInsert":
        """Begin an INSERT that knows ON CONFLICT, which both databases write alike."""
        # Each is loaded with its own database, and the other never.
        if self.is_sqlite:
            from sqlalchemy.dialects import sqlite  # noqa: PLC0415

            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return postgresql.insert(table)

    def checkpoint_if_due(self) -> None:
        """Move what was written to SQLite's file, for a moment when nobody waits; else a commit does it."""
        if self._checkpoints:
            self._checkpoints.do_if_due()

    def close(self) -> None:
        self._engine.dispose()
        self._soon.dispose()


def parse_url(url: str) -> URL:
    """Read a database URL, in the forms that hosts hand out (`postgres://` too).

    Raises `InvalidDatabaseUrl`, whose words never repeat the URL: it may hold a password.
    """
    kind = kind_of(url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: it repeats what stands where the port should be
        raise InvalidDatabaseUrl(
            "this is no database URL; write sqlite:///path/to/file.db or postgresql://user:password@host/name"
        ) from None
    if kind == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if not parsed.database or parsed.database == ":memory:":
        raise InvalidDatabaseUrl("the log must outlive its process; name a file: sqlite:///path/to/file.db")
    return parsed.set(drivername="sqlite", database=str(Path(parsed.database).absolute()))


@contextmanager
def _unavailable_told() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        fault = classify(error)
        if fault is Fault.LOCKED:
            raise RowLocked(f"the event log is held up by another transaction: {error.orig}") from error
        if fault is not Fault.UNAVAILABLE:
            raise
        raise LogUnavailable(f"the event log can't be used: {error.orig}") from error
    except PoolExhausted as error:
        raise LogUnavailable("the event log can't be used: all its connections are busy") from error
    except OSError as error:
        raise LogUnavailable(f"the event log can't be used: {error}") from error
