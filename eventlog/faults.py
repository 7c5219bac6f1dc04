"""What a database error means for the work that met it, told by SQLSTATE or SQLite's result code."""

import sqlite3
from enum import Enum
from typing import Final

from sqlalchemy.exc import DBAPIError


class Fault(Enum):
    """What to do about a database error."""

    COLLISION = "run the transaction again"
    LOCKED = "another transaction holds this row for long"
    BAD_ROW = "this row is refused, whenever it is tried"
    CONTRADICTION = "what the log holds contradicts this row"
    UNAVAILABLE = "the log can't be used now"


_BY_SQLSTATE: Final = {
    "40001": Fault.COLLISION,  # serialization failure
    "40P01": Fault.COLLISION,  # deadlock detected
    "55P03": Fault.LOCKED,  # lock not available
}
_BY_SQLSTATE_CLASS: Final = {
    "22": Fault.BAD_ROW,  # data exception
    "23": Fault.CONTRADICTION,  # integrity violation
    "54": Fault.BAD_ROW,  # an index row too long; it arrives as an OperationalError
}
_BY_SQLITE_CODE: Final = {
    sqlite3.SQLITE_CONSTRAINT: Fault.CONTRADICTION,
    sqlite3.SQLITE_TOOBIG: Fault.BAD_ROW,
    sqlite3.SQLITE_MISMATCH: Fault.BAD_ROW,
}
_SQLITE_PRIMARY_CODE: Final = 0xFF


def classify(error: DBAPIError) -> Fault:
    """Tell what an error means; one that says nothing clear counts as the log being unavailable."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return _BY_SQLITE_CODE.get(code & _SQLITE_PRIMARY_CODE, Fault.UNAVAILABLE)
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate:
        return _BY_SQLSTATE.get(sqlstate) or _BY_SQLSTATE_CLASS.get(sqlstate[:2], Fault.UNAVAILABLE)
    return Fault.BAD_ROW if isinstance(error.orig, _client_side_refusals()) else Fault.UNAVAILABLE


def _client_side_refusals() -> tuple[type[Exception], ...]:
    import psycopg  # noqa: PLC0415 - a log on SQLite does not need it loaded

    # psycopg refuses NUL in text, and values that fit no type, before they reach the server.
    return (psycopg.DataError, psycopg.ProgrammingError)
