"""Two transactions at one time: one in the test, the other in a thread beside it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import text

from eventlog.database import EventLog

_Given = TypeVar("_Given")

_HELD_UP = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@contextmanager
def in_the_background(work: Callable[[], _Given]) -> Iterator[Callable[[], _Given]]:
    """Do the work in a thread; what this yields gives its answer, after the block."""
    given: list[_Given] = []
    thread = threading.Thread(target=lambda: given.append(work()))
    thread.start()
    try:
        yield lambda: given[0]
    finally:
        thread.join(30)


def is_held_up(log: EventLog) -> bool:
    """Tell whether a transaction waits for what another one has locked; PostgreSQL alone can say that."""
    with log.read() as connection:
        return bool(connection.execute(_HELD_UP).scalar_one())
