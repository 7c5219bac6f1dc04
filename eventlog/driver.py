"""Transactions in the words of a database's own driver, on the connections that SQLAlchemy keeps."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


class Cursor(Protocol):
    """What `sqlite3` and psycopg have in common; the one writes parameters as `?`, the other as `%s`."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Iterable[Any]: ...

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]], /) -> object: ...

    def fetchall(self) -> Sequence[Any]: ...


@contextmanager
def driver_cursor(connection: Connection) -> Iterator[Cursor]:
    """Open a cursor of the driver in a transaction of SQLAlchemy's. Raises `DBAPIError`, as that does."""
    driver_connection = connection.connection
    try:
        # Closed before the connection goes back to its pool: a cursor of SQLite that is left to be forgotten
        # resets its statement then, which another thread may be running.
        with closing(driver_connection.cursor()) as cursor:
            yield cursor
    except connection.dialect.loaded_dbapi.Error as error:
        if connection.dialect.is_disconnect(error, driver_connection, None):
            connection.invalidate(error)
        raise DBAPIError(None, None, error) from error
