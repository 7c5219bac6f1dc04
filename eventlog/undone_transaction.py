"""A handler's rows in a dry run: written for real, counted, and undone whatever happens."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Connection, event, func, select, text
from sqlalchemy.exc import DBAPIError

from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.outcome import Result
from eventlog.written_rows import WrittenRows

_LAST_RESORT_SECONDS: Final = 1.0
_OPAQUE: Final = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|(\$\w*\$).*?\1|--[^\n]*|/\*.*?\*/", re.DOTALL)
_CONTROL: Final = re.compile(
    r"(?:^|;)\s*(commit|end|abort|begin|start\s+transaction|rollback(?!\s+to)|prepare\s+transaction)\b",
    re.IGNORECASE,
)


class ControlledByHand(Exception):  # noqa: N818 - named for what happened
    """A statement would end the transaction that is to be undone."""


class UndoneTransaction:
    """One that is open; `commit` only tries whether it could be."""

    def __init__(self, connection: Connection, *, is_sqlite: bool, written: WrittenRows) -> None:
        self._connection = connection
        self._is_sqlite = is_sqlite
        self._written = written
        # As `eventlog.transaction` joins it: the user's own commit() and rollback() end a savepoint.
        from sqlalchemy.orm import Session  # noqa: PLC0415 - slow to load, and many handlers need none

        self.session: Session = Session(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        )

    def commit(self, _result: Result) -> None:
        """Write what the session holds, and raise whatever a commit would."""
        self.session.commit()
        self.session.close()
        self._written.finish()
        if not self._is_sqlite:
            _take_guard_away(self._connection)
            self._connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


@contextmanager
def begin_undone(log: EventLog, *, seconds: float, written: WrittenRows) -> Iterator[UndoneTransaction]:
    """Open a transaction that is undone at the end of the block; `written` is told what was written.

    Raises `LogUnavailable` before the block begins; errors in the block stay as they are.
    """
    with log.write_for_a_handler() as connection:
        try:
            try:
                if log.is_sqlite:
                    _guard_sqlite(connection)
                else:
                    _guard_postgresql(connection, seconds + _LAST_RESORT_SECONDS)
            except DBAPIError as error:
                raise LogUnavailable(f"no transaction for a dry run: {error.orig}") from error
            event.listen(connection, "before_cursor_execute", _refuse_control)
            written.watch(connection)
            transaction = UndoneTransaction(connection, is_sqlite=log.is_sqlite, written=written)
            try:
                yield transaction
            finally:
                with suppress(DBAPIError):
                    transaction.session.close()
        finally:
            _undo(connection, log)


def _undo(connection: Connection, log: EventLog) -> None:
    try:
        if log.is_sqlite:
            _sqlite(connection).set_authorizer(None)
        connection.rollback()
    except DBAPIError:
        connection.invalidate()  # closing it undoes all, too


def _guard_sqlite(connection: Connection) -> None:
    """Let SQLite itself refuse whatever would end the transaction, however it is spelled."""
    refused = (sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)
    ok, deny = sqlite3.SQLITE_OK, sqlite3.SQLITE_DENY
    _sqlite(connection).set_authorizer(lambda action, *_: deny if action in refused else ok)


def _guard_postgresql(connection: Connection, seconds: float) -> None:
    """Make a transaction that can't be committed, and that the server ends should its process hang.

    Two equal rows break a constraint that is looked at in COMMIT, however that comes.
    """
    milliseconds = str(round(seconds * 1000))
    names = ("statement_timeout", "idle_in_transaction_session_timeout")
    connection.execute(select(*(func.set_config(name, milliseconds, True) for name in names)))
    connection.execute(
        text("CREATE TEMPORARY TABLE hooks_never_committed (twice int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    )
    connection.execute(text("INSERT INTO hooks_never_committed VALUES (1), (1)"))


def _take_guard_away(connection: Connection) -> None:
    connection.execute(text("DELETE FROM hooks_never_committed"))


def _sqlite(connection: Connection) -> sqlite3.Connection:
    driver: Any = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - for the type checker
    return driver


def _refuse_control(
    _connection: Connection,
    _cursor: Any,  # noqa: ANN401 - the driver's
    statement: str,
    _parameters: Any,  # noqa: ANN401 - the driver's
    context: Any,  # noqa: ANN401 - not typed by SQLAlchemy
    _executemany: bool,
) -> None:
    if not getattr(context, "is_text", True) and not getattr(context, "isddl", False):
        return
    found = _CONTROL.search(_OPAQUE.sub(" ", statement))
    if found:
        raise ControlledByHand(
            f"{' '.join(found[1].upper().split())} as a statement would end the transaction of a dry run: "
            "leave it to ctx.transaction(), or use session.commit() and session.rollback()"
        )
