"""Takes down the statements that really run, and asks the database how it would find their rows."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import event, text

from eventlog.database import EventLog

MANY: Final = 4000

# One of a hundred is dead, one of a hundred waits; one of a thousand is to run in a replay, or in a lane.
_FILL: Final = """
INSERT INTO events (id, type, subject, received_at, body_sha256, state, due_at, seen)
    SELECT 'old_' || n, 'memory.t' || n % 5, 's' || n % 50, n, CAST('s' AS {bytes}),
        CASE WHEN n % 100 = 0 THEN 'waiting' WHEN n % 100 = 1 THEN 'dead' ELSE 'done' END,
        CASE WHEN n % 100 = 0 THEN 9000000000000000 END, 1 FROM ({series}) s;
INSERT INTO bodies SELECT seq, body_sha256, 0, body_sha256 FROM events;
INSERT INTO deliveries (event_seq, handler, replay, state, attempts, failures, due_at)
    SELECT seq, 'h' || seq % 3, 0, state, 1, 0, due_at FROM events;
INSERT INTO deliveries (event_seq, handler, replay, state, attempts, failures, due_at)
    SELECT seq, 'h', 1000, CASE WHEN seq % 1000 = 0 THEN 'queued' ELSE 'done' END, 1, 0, 9000000000000000
    FROM events WHERE seq % 10 = 0;
INSERT INTO deliveries (event_seq, handler, replay, state, attempts, failures, due_at, queue)
    SELECT seq, 'lane', 0, CASE WHEN seq % 1000 = 0 THEN 'queued' ELSE 'done' END, 1, 0, 9000000000000000, 'q'
    FROM events WHERE seq % 10 = 0;
INSERT INTO failures
    (event_seq, handler, replay, attempt, failed_at, error_type, message, traceback, fingerprint)
    SELECT seq, 'h' || seq % 3, 0, 1, received_at, 'E', 'm', 't', 'f' || seq % 7 FROM events WHERE seq % 5 = 0
"""
SERIES: Final = {
    True: "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {many}) SELECT n FROM c",
    False: "SELECT n FROM generate_series(1, {many}) n",
}

_LARGE: Final = r"(?:events|deliveries|bodies|failures|effects)"
# Indexes over what is unfinished, held or dead: their size follows the work left.
_SMALL: Final = (
    r"ix_(?:events|deliveries)_(?:unfinished\w*|lease|line|alone|due_alone|throttled|dead)"
    r"|ix_deliveries_of_replays"
)
_SQLITE_ALL: Final = re.compile(rf"^SCAN {_LARGE}\b(?! USING (?:COVERING )?INDEX (?:{_SMALL})\b)")
_POSTGRESQL_ALL: Final = re.compile(rf"Seq Scan on {_LARGE}\b")
_POSTGRESQL_INDEX: Final = re.compile(
    rf"Index (?:Only )?Scan (?:Backward )?using (?!(?:{_SMALL})\b)\w+ on {_LARGE}"
)


def fill(log: EventLog) -> None:
    """Put thousands of finished events into the log, and let the database know."""
    series = SERIES[log.is_sqlite].format(many=MANY)
    with log.write() as connection:
        for statement in _FILL.format(series=series, bytes="BLOB" if log.is_sqlite else "bytea").split(";"):
            connection.execute(text(statement))
    analyze(log)


def analyze(log: EventLog) -> None:
    """Let the database know what is in it; on SQLite nobody keeps statistics."""
    if not log.is_sqlite:
        with log.write() as connection:
            connection.execute(text("ANALYZE"))


@contextmanager
def plans_of(log: EventLog) -> Iterator[dict[str, str]]:
    """Give the plan of each statement that runs in the block, by its text, once the block has ended."""
    taken: dict[str, Any] = {}
    plans: dict[str, str] = {}

    def note(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")):
            taken.setdefault(statement, parameters[0] if many else parameters)

    event.listen(log._engine, "before_cursor_execute", note)
    try:
        yield plans
    finally:
        event.remove(log._engine, "before_cursor_execute", note)
    with log.write() as connection:
        if not log.is_sqlite:
            # A table of some thousand rows is soon read: what has an index takes it then.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN " if log.is_sqlite else "EXPLAIN "
        for statement, parameters in taken.items():
            rows = connection.exec_driver_sql(explain + statement, parameters)
            plans[statement] = "\n".join(str(row[-1]) for row in rows)


def reads_all(plan: str) -> bool:
    """Tell whether a plan goes through all rows of a table that grows with the log."""
    lines = [line.strip() for line in plan.split("\n")]
    if any(_SQLITE_ALL.search(line) or _POSTGRESQL_ALL.search(line) for line in lines):
        return True
    around = zip(["", *lines], lines, [*lines[1:], ""], strict=False)
    return any(_POSTGRESQL_INDEX.search(line) and _is_whole(before, after) for before, line, after in around)


def _is_whole(before: str, after: str) -> bool:
    # The first rows of an index, whatever they are, are few.
    is_first_rows = "Limit  (" in before and not after.startswith("Filter")
    return not after.startswith("Index Cond") and not is_first_rows


def assert_no_plan_reads_all(log: EventLog, at_least: int, *steps: Callable[[], object]) -> None:
    """Run the steps; say which of their statements reads all rows."""
    with plans_of(log) as plans:
        for step in steps:
            step()
    assert len(plans) >= at_least, list(plans)
    for statement, plan in plans.items():
        assert not reads_all(plan), f"{statement}\n{plan}"


def counted_by_postgresql(log: EventLog, query: str) -> int:
    """Read a number from PostgreSQL's statistics, with all that this log's last connection did."""
    with log.read() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    with log.read() as connection:
        return int(connection.execute(text(query)).scalar_one())
