"""Many values given to a statement as one: it stays the same, and costs the same, however many they are."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Dialect,
    Integer,
    Text,
    bindparam,
    cast,
    column,
    literal_column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import NULLTYPE, TypeDecorator, TypeEngine

_T = TypeVar("_T")


class _List(TypeDecorator[Sequence[Any]]):
    """JSON on SQLite, an array on PostgreSQL."""

    impl = Text
    cache_ok = True

    def __init__(self, of: type[TypeEngine[Any]]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self.of()))

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> str | list[Any]:
        return as_json(list(value or ())) if dialect.name == "sqlite" else list(value or ())


def as_json(value: object) -> str:
    """Write down what is given. UnicodeEncodeError for text that has no UTF-8."""
    return msgspec.json.encode(value).decode()


class _Json(TypeDecorator[Any]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ANN401, ARG002
        return value if isinstance(value, str) else as_json(value)


class _is_one_of(FunctionElement[bool]):  # noqa: N801 - reads like the SQL it is
    inherit_cache = True
    # Of a Boolean, SQLAlchemy would write `= 1` for SQLite, which sees no index in that.
    type = NULLTYPE  # type: ignore[assignment]


@compiles(_is_one_of, "sqlite")
def _in_json(element: _is_one_of, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    of, values = (compiler.process(each, **more) for each in element.clauses)
    return f"{of} IN (SELECT value FROM json_each({values}))"


@compiles(_is_one_of, "postgresql")
def _in_array(element: _is_one_of, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    of, values = (compiler.process(each, **more) for each in element.clauses)
    return f"{of} = ANY({values})"


class _given_rows(FunctionElement[Any]):  # noqa: N801
    inherit_cache = True
    name = "given_rows"


@compiles(_given_rows, "sqlite")
def _rows_of_json(element: _given_rows, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    return f"json_each({compiler.process(element.clauses, **more)})"


@compiles(_given_rows, "postgresql")
def _rows_of_jsonb(element: _given_rows, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **more)} AS jsonb))"


def is_one_of(of: ColumnElement[_T], name: str) -> ColumnElement[bool]:
    """Say that a column's value is among those given to the statement, as a list, under this name."""
    kind = type(of.type)
    return _is_one_of(of, bindparam(name, type_=_List(kind)))


def given_rows(name: str) -> TableValuedAlias:
    """Give the rows of a list of lists that is given to the statement, also `as_json`, under this name."""
    return _given_rows(bindparam(name, type_=_Json())).table_valued(column("value"), name="given")


class _field(FunctionElement[Any]):  # noqa: N801
    inherit_cache = True
    type = NULLTYPE


@compiles(_field, "sqlite")
def _extracted(element: _field, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    value, place = (compiler.process(each, **more) for each in element.clauses)
    return f"json_extract({value}, '$[{place}]')"  # ->> needs SQLite 3.38, and Ubuntu 22.04 has 3.37


@compiles(_field, "postgresql")
def _taken_out(element: _field, compiler: Any, **more: Any) -> str:  # noqa: ANN401
    value, place = (compiler.process(each, **more) for each in element.clauses)
    return f"({value} ->> {place})"


def field(rows: TableValuedAlias, place: int, kind: TypeEngine[_T]) -> ColumnElement[_T]:
    """Give a field of given rows by its place."""
    return cast(_field(rows.c.value, literal_column(str(place), Integer)), kind)
