from collections.abc import Iterator
from datetime import timedelta

import pytest

from eventlog import diagnosis
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.diagnosis import (
    Found,
    is_held,
    read_durability,
    read_recently_dead,
    read_unclaimed,
    read_unknown,
)
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.states import State
from tests.eventlog.stored import accept, an_event, opened, replay, run

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


def test_counting_stops(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "COUNT_LIMIT", 2)
    record(log, [an_event(event_id, age=2 * MINUTE) for event_id in "abcd"])
    assert read_unclaimed(log, after=MINUTE).count == 3


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


def test_ids_that_the_log_does_not_know_are_found(log: EventLog) -> None:
    accept(log, "a", "b")
    assert read_unknown(log, ["c", "a", *(f"d{number}" for number in range(600)), "c", "b"])[:2] == [
        "c",
        "d0",
    ]
    assert read_unknown(log, ["b", "a"]) == []


def test_what_a_worker_holds_is_told_from_what_it_held(log: EventLog) -> None:
    accept(log, "a", "b", "c")
    claim(log, Hold(lease=new_lease(), replay=0), ["a"], duration=MINUTE)
    claim(log, Hold(lease=new_lease(), replay=0), ["b"], duration=-MINUTE)
    assert is_held(log, ["c", "a"], replay=0)
    assert not is_held(log, ["b", "c"], replay=0)
    run(log, "c", {"one": State.DONE})
    replay_id = replay(log, "c", "one")
    assert not is_held(log, ["c", "a"], replay=replay_id)
    claim(log, Hold(lease=new_lease(), replay=replay_id), ["c"], duration=MINUTE)
    assert is_held(log, ["c"], replay=replay_id)
    assert not is_held(log, ["c"], replay=0)
