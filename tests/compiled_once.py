"""Compiles each statement once a process, as in production: there a process has one log, here every test."""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import Dialect

_DIALECTS: dict[type[Dialect], Dialect] = {}
_STATEMENTS: dict[Any, Any] = {}


def compile_once() -> None:
    """Share what is compiled, and the dialect that it is kept by, among all engines of this process."""
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    if "compiled_cache" not in connection.get_execution_options():  # a log in memory shares by itself
        connection.dialect = _DIALECTS.setdefault(type(connection.dialect), connection.dialect)
        connection.execution_options(compiled_cache=_STATEMENTS)
