"""When what SQLite committed is moved from its WAL to its file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from eventlog.acceptance import record
from eventlog.database import EventLog
from tests.eventlog.rows import count_events
from tests.eventlog.stored import accept, an_event
from tests.eventlog.wal import in_the_file, with_empty_wal

FEW, MANY = 2, 60
"""Commits: of so few it is not worth while; of so many none does it by itself yet."""


@pytest.fixture
def database(sqlite_log: EventLog, sqlite_url: str) -> Path:
    return with_empty_wal(sqlite_url)


def take_in(log: EventLog, number: int) -> None:
    for at in range(number):
        record(log, [an_event(f"evt_{at}")])


def test_what_many_commits_wrote_is_moved_when_there_is_time(sqlite_log: EventLog, database: Path) -> None:
    take_in(sqlite_log, MANY)
    assert in_the_file(database) == 0, "a commit did it, and whoever waited for that"
    sqlite_log.checkpoint_if_due()
    assert in_the_file(database) == MANY


def test_what_a_few_commits_wrote_is_left_where_it_is(sqlite_log: EventLog, database: Path) -> None:
    take_in(sqlite_log, FEW)
    sqlite_log.checkpoint_if_due()
    assert in_the_file(database) == 0


def test_what_only_reads_makes_nothing_due(sqlite_log: EventLog, database: Path) -> None:
    take_in(sqlite_log, FEW)
    for _ in range(MANY):
        assert count_events(sqlite_log) == FEW
    sqlite_log.checkpoint_if_due()
    assert in_the_file(database) == 0


def test_many_rows_count_as_many_commits_do(sqlite_log: EventLog, database: Path) -> None:
    record(sqlite_log, [an_event(f"evt_{at}") for at in range(150)])
    sqlite_log.checkpoint_if_due()
    assert in_the_file(database) == 150


def test_after_it_was_done_it_is_not_due_for_a_while(sqlite_log: EventLog, database: Path) -> None:
    take_in(sqlite_log, MANY)
    sqlite_log.checkpoint_if_due()
    accept(sqlite_log, "evt_later")
    sqlite_log.checkpoint_if_due()
    assert in_the_file(database) == MANY


def test_another_writer_neither_waits_for_it_nor_stops_it(sqlite_log: EventLog, database: Path) -> None:
    take_in(sqlite_log, MANY)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM heartbeats")
        sqlite_log.checkpoint_if_due()
        other.execute("COMMIT")
    assert in_the_file(database) == MANY


def test_beside_a_reader_of_what_was_it_is_no_error(sqlite_log: EventLog, database: Path) -> None:
    take_in(sqlite_log, MANY)
    with closing(sqlite3.connect(database)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        accept(sqlite_log, "evt_after_the_reader_began")
        sqlite_log.checkpoint_if_due()
    assert count_events(sqlite_log) == MANY + 1


def test_a_file_that_is_gone_is_no_error(sqlite_log: EventLog, database: Path) -> None:
    take_in(sqlite_log, MANY)
    database.unlink()
    database.mkdir()
    sqlite_log.checkpoint_if_due()


def test_on_postgresql_there_is_nothing_to_do(postgres_log: EventLog) -> None:
    take_in(postgres_log, MANY)
    postgres_log.checkpoint_if_due()
    assert count_events(postgres_log) == MANY
