"""Transactions in the words of a database's own driver, on the connections that SQLAlchemy keeps."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError


class Cursor(Protocol):
    """What `sqlite3` and psycopg have in common; the one writes parameters as `?`, the other as `%s`."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Iterable[Any]: ...

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]], /) -> object: ...

    def fetchall(self) -> Sequence[Any]: ...


@contextmanager
def driver_transaction(engine: Engine) -> Iterator[Cursor]:
    """Open a transaction, committed at the end of the block.

    Raises `DBAPIError`, as SQLAlchemy's own do; the connection is then given up.
    """
    driver_error = engine.dialect.loaded_dbapi.Error
    try:
        connection = engine.raw_connection()
    except driver_error as error:
        raise DBAPIError(None, None, error) from error
    try:
        cursor = connection.cursor()
        if engine.dialect.name == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")  # psycopg begins one by itself
        yield cursor
        connection.commit()
    except driver_error as error:
        with suppress(driver_error):
            connection.invalidate(error)
        raise DBAPIError(None, None, error) from error
    finally:
        connection.close()  # whatever was not committed is rolled back
