"""Points in time as the log keeps them: whole microseconds since 1970, UTC, alike on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Dialect, bindparam, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(duration: timedelta) -> int:
    return duration // _MICROSECOND


def as_stored(instant: datetime) -> int:
    """Give an aware datetime as the log's tables hold it."""
    return (instant - _EPOCH) // _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware datetime in Python, an integer of microseconds in the database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else as_stored(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class database_now(FunctionElement[datetime]):  # noqa: N801 - reads like the SQL function it is
    """The database's clock: leases and due times are measured by one clock, whoever takes them."""

    inherit_cache = True  # without it every statement that holds one is compiled anew, each time
    name = "database_now"
    type = Instant()


# unixepoch('subsec') would be finer and shorter, but needs SQLite 3.42 (Debian 12 has 3.40).
SQLITE_NOW: Final = "(CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000)"
POSTGRESQL_NOW: Final = "((extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"


@compiles(database_now, "sqlite")
def _sqlite_now(_element: database_now, _compiler: Any, **_: Any) -> str:  # noqa: ANN401
    return SQLITE_NOW


@compiles(database_now, "postgresql")
def _postgresql_now(_element: database_now, _compiler: Any, **_: Any) -> str:  # noqa: ANN401
    return POSTGRESQL_NOW


def database_now_plus_us(delay: ColumnElement[int]) -> ColumnElement[int]:
    """The database's clock plus what a column or a field holds, in microseconds."""
    return type_coerce(database_now(), BigInteger) + delay


def database_now_plus(delay: timedelta | str) -> ColumnElement[int]:
    """The database's clock plus a delay, or plus the bound parameter of that name, in microseconds."""
    if isinstance(delay, str):
        return type_coerce(database_now(), BigInteger) + bindparam(delay, type_=BigInteger)
    return type_coerce(database_now(), BigInteger) + microseconds(delay)
