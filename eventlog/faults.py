"""What a database error means for the work that met it, told by SQLSTATE or SQLite's result code."""

import sqlite3
from enum import Enum
from typing import Final

from sqlalchemy.exc import DBAPIError

_LOCK_NOT_AVAILABLE: Final = "55P03"
_TRANSACTION_ROLLBACK: Final = ("40001", "40P01")  # serialization failure, deadlock
# Data exception, integrity violation, and an index row too long (which arrives as an OperationalError).
_BAD_ROW_CLASSES: Final = ("22", "23", "54")
_SQLITE_BAD_ROW: Final = (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH)
_SQLITE_PRIMARY_CODE: Final = 0xFF


class Fault(Enum):
    """What to do about a database error."""

    COLLISION = "run the transaction again"
    LOCKED = "another transaction holds this row for long"
    BAD_ROW = "this row is refused, whenever it is tried"
    UNAVAILABLE = "the log can't be used now"


def classify(error: DBAPIError) -> Fault:
    """Tell what an error means; one that says nothing clear counts as the log being unavailable."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return Fault.BAD_ROW if code & _SQLITE_PRIMARY_CODE in _SQLITE_BAD_ROW else Fault.UNAVAILABLE
    sqlstate = getattr(error.orig, "sqlstate", None) or ""
    if sqlstate in _TRANSACTION_ROLLBACK:
        return Fault.COLLISION
    if sqlstate == _LOCK_NOT_AVAILABLE:
        return Fault.LOCKED
    if sqlstate[:2] in _BAD_ROW_CLASSES:
        return Fault.BAD_ROW
    if not sqlstate and isinstance(error.orig, _client_side_refusals()):
        return Fault.BAD_ROW
    return Fault.UNAVAILABLE


def _client_side_refusals() -> tuple[type[Exception], ...]:
    import psycopg  # noqa: PLC0415 - a log on SQLite does not need it loaded

    # psycopg refuses NUL in text, and values that fit no type, before they reach the server.
    return (psycopg.DataError, psycopg.ProgrammingError)
