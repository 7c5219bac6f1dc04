"""Conditions written so that both databases find their rows by the index that is meant.

SQLite keeps no statistics here: it takes every state for rare, and reads all rows of one by its index.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Text,
    and_,
    literal,
    literal_column,
    type_coerce,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NULLTYPE

from eventlog.instant import Instant
from eventlog.states import HELD_BACK, UNFINISHED, State
from eventlog.tables import events, none_of, one_of


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a column's value in a form that no index holds, so that another one is used."""
    if isinstance(column.type, Instant):
        return type_coerce(type_coerce(column, BigInteger) + 0, Instant())
    return column + 0 if isinstance(column.type, Integer) else column.concat("")


def only(column: ColumnElement[str], value: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Say that a column has this value, where rows are read in the order of an index that begins with it.

    With `=` the order of the rest would be enough for PostgreSQL, which takes matches for evenly spread: it
    would look for them among the newest of all rows.
    """
    return column.between(value, value)


class once(FunctionElement[Any]):  # noqa: N801 - reads like SQL
    """A value that is worked out once for a statement: the clock's may then bound a range of an index.

    PostgreSQL would ask its clock for each row otherwise, and so read them all.
    """

    inherit_cache = True
    type = BigInteger()


@compiles(once)
def _as_it_is(element: once, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    return f"({compiler.process(element.clauses, **more)})"


@compiles(once, "postgresql")
def _as_subquery(element: once, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    return f"(SELECT {compiler.process(element.clauses, **more)})"


class _in_state_until(FunctionElement[bool]):  # noqa: N801
    inherit_cache = True
    type = NULLTYPE  # type: ignore[assignment]


@compiles(_in_state_until, "sqlite")
def _column_by_column(element: _in_state_until, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    column, due_at, state, until = (compiler.process(each, **more) for each in element.clauses)
    return f"({column} = {state} AND {due_at} <= {until})"


@compiles(_in_state_until, "postgresql")
def _as_one_row(element: _in_state_until, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    # Of a state alone PostgreSQL would see that other indexes hold it, too.
    column, due_at, state, until = (compiler.process(each, **more) for each in element.clauses)
    return f"(({column}, {due_at}) >= ({state}, 0) AND ({column}, {due_at}) <= ({state}, {until}))"


def in_state_until(state: State, until: ColumnElement[int]) -> ColumnElement[bool]:
    """Say that an unfinished event is in this state, and due by then, as the index over those has it."""
    return and_(
        is_unfinished(events), _in_state_until(events.c.state, events.c.due_at, literal(state, Text), until)
    )


class _mostly(FunctionElement[bool]):  # noqa: N801 - reads like the SQL function it is
    """A condition that is true of nearly all rows that the others leave."""

    inherit_cache = True
    # Of a Boolean, SQLAlchemy would write `= 1` for SQLite, which sees no index in that.
    type = NULLTYPE  # type: ignore[assignment]


@compiles(_mostly)
def _plain(element: _mostly, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    return f"({compiler.process(element.clauses, **more)})"


@compiles(_mostly, "sqlite")
def _with_likelihood(element: _mostly, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    return f"likelihood({compiler.process(element.clauses, **more)}, 0.99)"


def is_unended_alone(table: FromClause) -> ColumnElement[bool]:
    """Say that a delivery runs in a queue of its own, and has not ended."""
    unended = one_of(table.c.state, *UNFINISHED, *HELD_BACK)
    return and_(table.c.queue.isnot(None), _mostly(unended))


def is_unfinished(table: FromClause) -> ColumnElement[bool]:
    # The states are written out, not bound: a partial index serves only conditions seen to imply its own.
    return _mostly(one_of(table.c.state, *UNFINISHED))


def is_at_rest(table: FromClause) -> ColumnElement[bool]:
    """Say that an event is neither queued nor running, as the index over those at rest says it."""
    return none_of(table.c.state, State.QUEUED, State.RUNNING)


def is_notable(table: FromClause) -> ColumnElement[bool]:
    """Say that an event is at rest, and not done, as the indexes over those say it."""
    return none_of(table.c.state, State.QUEUED, State.RUNNING, State.DONE)


def is_of_replay(table: FromClause, replay: int) -> ColumnElement[bool]:
    """Say that a row is of this replay, which is not the original run: the index over replays serves that."""
    return and_(table.c.replay == replay, table.c.replay > literal_column("0"))
