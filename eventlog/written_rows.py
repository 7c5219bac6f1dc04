"""Counts the rows that statements write on one connection, by table."""

import re
from typing import Any, Final

from sqlalchemy import Connection, event

Counts = dict[str, dict[str, int]]

_TEXT: Final = re.compile(
    r"""(insert)\s+(?:or\s+\w+\s+)?into\s+([\w."]+) | (replace)\s+into\s+([\w."]+)
      | (update)\s+(?:only\s+|or\s+\w+\s+)?([\w."]+) | (delete)\s+from\s+(?:only\s+)?([\w."]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_SAVEPOINT: Final = re.compile(
    r"SAVEPOINT\s+(?P<begun>\S+?);?|ROLLBACK\s+TO\s+(?:SAVEPOINT\s+)?(?P<undone>\S+?);?", re.IGNORECASE
)
_READS: Final = ("SELECT", "VALUES", "SHOW", "EXPLAIN", "PRAGMA", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET")
_DONE: Final = {"insert": "inserted", "replace": "inserted", "update": "updated", "delete": "deleted"}


class WrittenRows:
    """What was written since `watch`, without what was undone meanwhile."""

    def __init__(self) -> None:
        self.rows: Counts = {}
        """By table: how many rows were `inserted`, `updated`, `deleted`."""
        self.statements: dict[str, int] = {}
        """By verb: how often a statement ran whose rows can't be told, such as CREATE."""
        self._marks: dict[str, tuple[Counts, dict[str, int]]] = {}
        self._last: tuple[str, str, Any, int] | None = None
        self._is_over = False

    def watch(self, connection: Connection) -> None:
        """Count from now on, until the connection is closed."""
        event.listen(connection, "before_cursor_execute", self._before)
        event.listen(connection, "after_cursor_execute", self._after)

    def finish(self) -> None:
        """Count what the last statement wrote, and nothing from now on."""
        self._settle()
        self._is_over = True

    def _settle(self) -> None:
        last, self._last = self._last, None
        if last is None:
            return
        table, done, cursor, at_once = last
        # SQLite's cursor knows the rows of a statement with RETURNING when they have been fetched, before the
        # next statement; psycopg's knows them at once, and forgets them when it is closed.
        number = max(at_once, cursor.rowcount)
        if number > 0:
            counts = self.rows.setdefault(table, {})
            counts[done] = counts.get(done, 0) + number

    def _before(self, *_: object) -> None:
        self._settle()

    def _after(
        self,
        _connection: Connection,
        cursor: Any,  # noqa: ANN401 - the driver's
        statement: str,
        _parameters: Any,  # noqa: ANN401 - the driver's
        context: Any,  # noqa: ANN401 - not typed by SQLAlchemy
        _executemany: bool,
    ) -> None:
        if self._is_over:
            return
        self._mark(statement)
        verb, table = _target(statement, context)
        if table is not None:
            self._last = (table, _DONE[verb], cursor, cursor.rowcount)
        elif verb not in _READS:
            self.statements[verb] = self.statements.get(verb, 0) + 1

    def _mark(self, statement: str) -> None:
        # By the statement: SQLAlchemy's event of a savepoint does not tell its name.
        found = _SAVEPOINT.fullmatch(statement.strip())
        if found and found["begun"]:
            self._marks[found["begun"]] = self._copy()
        elif found and found["undone"] in self._marks:
            self.rows, self.statements = self._marks[found["undone"]]
            self._marks[found["undone"]] = self._copy()

    def _copy(self) -> tuple[Counts, dict[str, int]]:
        return {table: dict(counts) for table, counts in self.rows.items()}, dict(self.statements)


def _target(statement: str, context: Any) -> tuple[str, str | None]:  # noqa: ANN401
    """Return the statement's verb, and the table that it writes where that can be told."""
    for verb in ("insert", "update", "delete"):
        if getattr(context, f"is{verb}", False) and not context.is_text:
            table = context.compiled.compile_state.dml_table
            return verb, str(getattr(table, "fullname", table))
    found = _TEXT.match(statement.lstrip())
    if found:
        verb, table = (part for part in found.groups() if part)
        return verb.lower(), table.replace('"', "")
    words = statement.split(None, 1)
    return (words[0].upper().rstrip(";") if words else "", None)
