"""Transactions in the words of a database's own driver, on the connections that SQLAlchemy keeps."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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
        yield driver_connection.cursor()
    except connection.dialect.loaded_dbapi.Error as error:
        if connection.dialect.is_disconnect(error, driver_connection, None):
            connection.invalidate(error)
        raise DBAPIError(None, None, error) from error
