"""Conditions written so that both databases find their rows by the index that is meant.

SQLite keeps no statistics here: it takes every state for rare, and reads all rows of one by its index.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, and_, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NULLTYPE

from eventlog.states import HELD_BACK, UNFINISHED


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a column's value in a form that no index holds, so that another one is used."""
    return column + 0 if isinstance(column.type, Integer) else column.concat("")


class _mostly(FunctionElement[bool]):  # noqa: N801 - reads like the SQL function it is
    """A condition that is true of nearly all rows that the others leave."""

    inherit_cache = True
    # Of a Boolean, SQLAlchemy would write `= 1` for SQLite, which sees no index in that.
    type = NULLTYPE  # type: ignore[assignment]


@compiles(_mostly)
def _plain(element: _mostly, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    return str(compiler.process(element.clauses, **more))


@compiles(_mostly, "sqlite")
def _with_likelihood(element: _mostly, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    return f"likelihood({compiler.process(element.clauses, **more)}, 0.99)"


def is_unended_alone(table: FromClause) -> ColumnElement[bool]:
    """Say that a delivery runs in a queue of its own, and has not ended."""
    unended = table.c.state.in_([literal_column(f"'{state}'") for state in (*UNFINISHED, *HELD_BACK)])
    return and_(table.c.queue.isnot(None), _mostly(unended))


def is_unfinished(table: FromClause) -> ColumnElement[bool]:
    # The states are written out, not bound: a partial index serves only conditions seen to imply its own.
    return _mostly(table.c.state.in_([literal_column(f"'{state}'") for state in UNFINISHED]))
