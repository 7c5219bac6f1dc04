"""The log that users' tests run on: as the real one, but for its place and its clock."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select, text

from eventlog.acceptance import record
from eventlog.errors import LogUnavailable
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.in_memory import InMemoryLog
from eventlog.instant import database_now, database_now_plus
from eventlog.leases import claim, new_lease
from eventlog.listing import read_latest
from eventlog.rehearsal import open_session
from eventlog.schema import check_schema
from eventlog.selection import Selection
from tests.eventlog.stored import an_event

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
OWN = MetaData()
NOTES = Table(
    "my_notes",
    OWN,
    Column("id", Integer, primary_key=True),
    Column("text", String(50)),
    Column("at", String(50), server_default=func.current_timestamp()),
)


@pytest.fixture
def make_log() -> Iterator[Callable[..., InMemoryLog]]:
    made: list[InMemoryLog] = []

    def make(**options: object) -> InMemoryLog:
        made.append(InMemoryLog(**options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for log in made:
        log.close()


def ids_in(log: InMemoryLog) -> list[str]:
    return [event.id for event in read_latest(log, Selection(), limit=100).events]


def test_it_has_the_tables_of_this_release_and_the_users_own(make_log: Callable[..., InMemoryLog]) -> None:
    log = make_log(tables=OWN)
    check_schema(log)
    with open_session(log) as session:
        session.execute(insert(NOTES).values(text="a"))
    with open_session(log) as session:
        assert session.scalars(select(NOTES.c.text)).all() == ["a"]


def test_two_logs_share_nothing(make_log: Callable[..., InMemoryLog]) -> None:
    one, other = make_log(), make_log()
    record(one, [an_event("a")])
    assert (ids_in(one), ids_in(other)) == (["a"], [])


def test_its_clock_is_the_one_it_was_given_to_the_millisecond(make_log: Callable[..., InMemoryLog]) -> None:
    now = NOON
    log = make_log(now=lambda: now)
    with log.read() as connection:
        for milliseconds in range(0, 3_600_000, 7_919):
            now = NOON + timedelta(milliseconds=milliseconds)
            assert connection.execute(select(database_now())).scalar_one() == now


def test_what_is_due_in_five_seconds_is_due_after_exactly_five(make_log: Callable[..., InMemoryLog]) -> None:
    now = NOON
    log = make_log(now=lambda: now)
    five = timedelta(seconds=5)
    with log.read() as connection:
        for seconds in range(500):
            now = NOON + timedelta(seconds=seconds)
            due = connection.execute(select(database_now_plus(five))).scalar_one()
            now += five
            assert connection.execute(select(database_now_plus(timedelta(0)))).scalar_one() == due


def test_defaults_of_own_tables_tell_the_same_time(make_log: Callable[..., InMemoryLog]) -> None:
    log = make_log(now=lambda: NOON, tables=OWN)
    with open_session(log) as session:
        session.execute(insert(NOTES).values(text="a"))
        assert session.scalars(select(NOTES.c.at)).one() == "2026-01-30 12:00:00"


def test_other_dates_are_read_as_ever(make_log: Callable[..., InMemoryLog]) -> None:
    with make_log(now=lambda: NOON).read() as connection:
        assert connection.execute(text("SELECT julianday('2000-01-01')")).scalar_one() == 2451544.5


def test_threads_write_one_after_the_other_and_lose_nothing(make_log: Callable[..., InMemoryLog]) -> None:
    log = make_log()
    ready = threading.Barrier(8)

    def write(number: int) -> None:
        ready.wait(20)
        for place in range(10):
            record(log, [an_event(f"evt_{number}_{place}")])

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(write, number) for number in range(8)]:
            done.result(60)
    assert len(ids_in(log)) == 80


def test_one_event_is_claimed_by_one_of_many(make_log: Callable[..., InMemoryLog]) -> None:
    log = make_log()
    record(log, [an_event("a")])

    def claimed(_: int) -> int:
        hold = Hold(lease=new_lease(), replay=ORIGINAL_RUN)
        return len(claim(log, hold, ["a"], duration=timedelta(seconds=30)))

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(claimed, range(8))) == 1


def test_a_thread_that_would_wait_for_itself_is_told_so(make_log: Callable[..., InMemoryLog]) -> None:
    log = make_log()
    with log.write(), pytest.raises(LogUnavailable, match="would wait for itself"), log.write():
        pass
    record(log, [an_event("a")])


def test_what_is_raised_before_a_commit_undoes_it(make_log: Callable[..., InMemoryLog]) -> None:
    log = make_log()

    def refuse() -> None:
        raise KeyboardInterrupt

    log.before_commit = refuse
    with pytest.raises(KeyboardInterrupt):
        record(log, [an_event("a")])
    assert ids_in(log) == []  # and reading asks nobody
    log.before_commit = None
    record(log, [an_event("b")])
    assert ids_in(log) == ["b"]


def test_a_handlers_transaction_that_could_not_be_committed_is_not_left_open(
    make_log: Callable[..., InMemoryLog],
) -> None:
    log = make_log(tables=OWN)

    def refuse() -> None:
        raise KeyboardInterrupt

    log.before_commit = refuse
    with log.write_for_a_handler() as connection:
        connection.execute(insert(NOTES).values(text="a"))
        with pytest.raises(KeyboardInterrupt):
            connection.commit()
    log.before_commit = None
    with log.write() as connection:
        assert connection.execute(select(NOTES)).all() == []


def test_it_tells_when_something_is_due_next(make_log: Callable[..., InMemoryLog]) -> None:
    log = make_log(now=lambda: NOON)
    assert log.next_due() is None
    record(log, [an_event("a")])
    claim(log, Hold(lease=new_lease(), replay=ORIGINAL_RUN), ["a"], duration=timedelta(seconds=30))
    assert log.next_due() == NOON + timedelta(seconds=30)
