"""What outcomes leave on the rows of deliveries: one statement for all outcomes of a settle."""

from collections.abc import Sequence
from typing import Any, Final, cast

from sqlalchemy import (
    BigInteger,
    Connection,
    Executable,
    Integer,
    Text,
    Update,
    bindparam,
    case,
    select,
    true,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from eventlog.database import EventLog
from eventlog.given import as_json, field, given_rows
from eventlog.hold import Hold
from eventlog.instant import as_stored, database_now_plus_us, microseconds
from eventlog.outcome import Result
from eventlog.query_plans import unindexed
from eventlog.tables import deliveries

_MOST: Final = 2**63 - 1

_ROWS: Final = given_rows("results")
_SEQ: Final = field(_ROWS, 0, BigInteger())
_HANDLER: Final = field(_ROWS, 1, Text())
_RETRY_US: Final = field(_ROWS, 10, BigInteger())
_OUTCOME: Final[dict[str, ColumnElement[Any]]] = {
    "state": field(_ROWS, 2, Text()),
    "attempts": field(_ROWS, 3, Integer()),
    "failures": field(_ROWS, 4, Integer()),
    "started_at": field(_ROWS, 5, BigInteger()),
    "duration_us": field(_ROWS, 6, BigInteger()),
    "version": field(_ROWS, 7, Text()),
    "release": field(_ROWS, 8, Text()),
    "note": field(_ROWS, 9, Text()),
    "due_at": case((_RETRY_US.isnot(None), database_now_plus_us(_RETRY_US)), else_=None),
}


def _row(result: Result) -> tuple[str | int | None, ...]:
    """Give a result in the order of the fields above."""
    return (
        result.seq,
        result.handler,
        result.state,
        result.attempt,
        result.failures,
        as_stored(result.started_at),
        microseconds(result.duration),
        result.version,
        result.release,
        result.note,
        None if result.retry_in is None else microseconds(result.retry_in),
    )


def _rows(results: Sequence[Result]) -> str:
    """Raises OverflowError, UnicodeEncodeError for what no database can hold."""
    if max(result.attempt for result in results) > _MOST:
        raise OverflowError("too many attempts")  # SQLite would take it for the most that it can hold
    return as_json([_row(result) for result in results])


def upsert(log: EventLog, connection: Connection, replay: int, results: Sequence[Result]) -> None:
    """Write outcomes of what was claimed with its event: the rows may be new."""
    statement = _UPSERTING.get(log.is_sqlite)
    if statement is None:
        statement = _UPSERTING[log.is_sqlite] = _upserting(log)
    connection.execute(statement, {"of_replay": replay, "results": _rows(results)})


_UPSERTING: Final[dict[bool, Executable]] = {}
"""One for each of the databases, whose INSERTs SQLAlchemy keeps apart."""


def _upserting(log: EventLog) -> Executable:
    statement = log.insert(deliveries).from_select(
        ["event_seq", "handler", "replay", *_OUTCOME],
        # SQLite needs a WHERE here, to tell ON CONFLICT from a join's ON.
        select(_SEQ, _HANDLER, bindparam("of_replay", type_=BigInteger), *_OUTCOME.values()).where(true()),
        include_defaults=False,
    )
    return cast(
        "Executable",
        statement.on_conflict_do_update(
            index_elements=["event_seq", "handler", "replay"],
            set_={name: statement.excluded[name] for name in _OUTCOME} | {"lease": None},
            where=deliveries.c.attempts < statement.excluded.attempts,
        ),
    )


_UPDATE: Final[Update] = (
    update(deliveries)
    .where(
        deliveries.c.event_seq == _SEQ,
        deliveries.c.handler == _HANDLER,
        # Found by event and handler: by their lease or their replay, all would be compared with each.
        unindexed(deliveries.c.replay) == bindparam("of_replay"),
        unindexed(deliveries.c.lease) == bindparam("held_by"),
    )
    .values(lease=None, **_OUTCOME)
)


def update_held(connection: Connection, hold: Hold, results: Sequence[Result]) -> None:
    """Write outcomes of what was claimed by itself, as far as the lease still holds it."""
    given = {"of_replay": hold.replay, "held_by": hold.lease, "results": _rows(results)}
    connection.execute(_UPDATE, given)
