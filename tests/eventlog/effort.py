"""Counts what a database does for a step, so that a test can say that it does not follow the log's size."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import event

from eventlog.database import EventLog
from tests.eventlog.plans import counted_by_postgresql

_ROWS: Final = """
SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname IN ('events', 'deliveries'))
    + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname IN ('events', 'deliveries'))
"""


class Effort:
    """What the database did: steps of its machine on SQLite, rows looked at on PostgreSQL."""

    def __init__(self) -> None:
        self.steps = 0


@contextmanager
def effort_of(log: EventLog) -> Iterator[Effort]:
    """Give the effort of what this thread does in the block, once the block has ended."""
    effort = Effort()
    if not log.is_sqlite:
        before = counted_by_postgresql(log, _ROWS)
        yield effort
        effort.steps = counted_by_postgresql(log, _ROWS) - before
        return

    def step() -> None:
        effort.steps += 1

    @event.listens_for(log._engine, "before_cursor_execute")
    def count(_connection, cursor, *_) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002
        cursor.connection.set_progress_handler(step, 1)

    yield effort
    event.remove(log._engine, "before_cursor_execute", count)
    with log.read() as connection:
        assert connection.connection.driver_connection is not None
        connection.connection.driver_connection.set_progress_handler(None, 1)
