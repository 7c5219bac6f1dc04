"""What the tests of the workers share: logs with their tables, and places to run real processes in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eventlog.database import EventLog
from tests.eventlog.stored import opened
from tests.workers.running import Running
from tests.workers.worksite import Site
from workers.queue.redis_queue import EventQueue


@pytest.fixture
def open_log() -> Iterator[Callable[[str], EventLog]]:
    """Return what opens a log and makes its tables; it is closed in the end."""
    logs: list[EventLog] = []

    def open_(url: str) -> EventLog:
        logs.append(opened(url))
        return logs[-1]

    yield open_
    for log in logs:
        log.close()


@pytest.fixture
def log(sqlite_url: str, open_log: Callable[[str], EventLog]) -> EventLog:
    """Return an empty log on SQLite."""
    return open_log(sqlite_url)


@pytest.fixture
def queue(redis_url: str) -> Iterator[EventQueue]:
    """Return the queue in an empty Redis."""
    made = EventQueue.connect(redis_url)
    yield made
    made.close()


@pytest.fixture
def running(log: EventLog, queue: EventQueue) -> Iterator[Running]:
    """Return what runs jobs in the test's own process."""
    made = Running(log, queue)
    yield made
    made.keeper.finish()
    made.page.close()


@pytest.fixture
def postgres_site(tmp_path: Path, postgres_url: str, redis_url: str) -> Iterator[Site]:
    """Return a place for one test's processes, on PostgreSQL."""
    made = Site(tmp_path, postgres_url, redis_url, HOOKS_LEASE_SECONDS="3", HOOKS_GRACE_SECONDS="5")
    yield made
    made.close()
