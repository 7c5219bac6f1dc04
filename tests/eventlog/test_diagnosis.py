from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from eventlog import diagnosis
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.diagnosis import Found, read_durability, read_overdue, read_recently_dead, read_unclaimed
from eventlog.instant import database_now_plus
from eventlog.states import State
from eventlog.tables import deliveries
from tests.eventlog.stored import accept, an_event, make_overdue, opened, replay, run

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NOTHING = Found(count=0, first=())


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    log = opened(database_url)
    yield log
    log.close()


def test_durability_names_what_the_database_is_set_to(log: EventLog) -> None:
    expected = (
        {"journal_mode": "wal"}
        if log.is_sqlite
        else {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    )
    assert read_durability(log) == expected


def test_work_in_time_is_not_overdue(log: EventLog) -> None:
    accept(log, "a", "b")
    run(log, "b", {"one": State.WAITING})
    assert read_overdue(log, by=MINUTE) == NOTHING


def test_overdue_events_are_found_the_most_overdue_first(log: EventLog) -> None:
    accept(log, "queued", "waiting", "fresh", "done")
    run(log, "waiting", {"one": State.WAITING})
    run(log, "done", {"one": State.DONE})
    make_overdue(log, ["queued"], 2 * MINUTE)
    make_overdue(log, ["waiting", "done"], 3 * MINUTE)
    assert read_overdue(log, by=MINUTE) == Found(count=2, first=("waiting", "queued"))


def test_overdue_deliveries_of_replays_are_found(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"one": State.DONE})
    replay_id = replay(log, "a", "one")
    assert read_overdue(log, by=MINUTE) == NOTHING
    with log.write() as connection:
        connection.execute(update(deliveries).values(due_at=database_now_plus(-2 * MINUTE)))
    assert read_overdue(log, by=MINUTE) == Found(count=1, first=(f"a one (replay {replay_id})",))


def test_counting_stops(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "COUNT_LIMIT", 2)
    ids = list("abcd")
    accept(log, *ids)
    make_overdue(log, ids, 2 * MINUTE)
    assert read_overdue(log, by=MINUTE).count == 3


def test_only_events_that_no_worker_has_taken_are_unclaimed(log: EventLog) -> None:
    record(log, [an_event("old", age=2 * MINUTE)])
    record(log, [an_event("tried", age=2 * MINUTE)])
    accept(log, "fresh")
    run(log, "tried", {"one": State.WAITING})
    assert read_unclaimed(log, after=MINUTE) == Found(count=1, first=("old",))


def test_handlers_that_gave_up_lately_are_found(log: EventLog) -> None:
    accept(log, "old", "done", "new")
    run(log, "old", {"one": State.DEAD}, age=2 * DAY)
    run(log, "done", {"one": State.DONE})
    run(log, "new", {"one": State.DEAD, "two": State.DONE})
    assert read_recently_dead(log, within=DAY) == Found(count=1, first=("new one",))


def test_what_a_replay_made_good_is_not_dead(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"one": State.DEAD})
    run(log, "a", {"one": State.DEAD}, in_replay=replay(log, "a", "one"))
    assert read_recently_dead(log, within=DAY).count == 1
    run(log, "a", {"one": State.DONE}, in_replay=replay(log, "a", "one"))
    assert read_recently_dead(log, within=DAY) == NOTHING
