"""Gives each test of the event log an empty one, on each kind of database."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from eventlog.database import EventLog
from tests.eventlog.stored import opened


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    """Return an empty log; the test runs once on each kind of database."""
    with closing(opened(database_url)) as log:
        yield log


@pytest.fixture
def second(log: EventLog, database_url: str) -> Iterator[EventLog]:
    """Return the same log opened once more, as another process would."""
    with closing(EventLog.open(database_url)) as second:
        yield second


@pytest.fixture
def sqlite_log(sqlite_url: str) -> Iterator[EventLog]:
    with closing(opened(sqlite_url)) as log:
        yield log


@pytest.fixture
def postgres_log(postgres_url: str) -> Iterator[EventLog]:
    with closing(opened(postgres_url)) as log:
        yield log
