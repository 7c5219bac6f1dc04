from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import update

from console.doctor.feeding import check_replays
from console.doctor.finding import Finding, Level
from eventlog.database import EventLog
from eventlog.replays import create
from eventlog.states import State
from eventlog.tables import deliveries, replays
from tests.eventlog.feeding import EVERY, make_replay, turn
from tests.eventlog.stored import accept, opened, replay, run
from workers.queue.registries import QueueContents


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    with closing(opened(database_url)) as log:
        yield log


def contents(waiting: int = 0) -> QueueContents:
    return QueueContents(waiting=waiting, jobs=(), entries=(), vanished_workers=0, is_suspended=False)


def look(log: EventLog, queue: QueueContents | None, after: list[object]) -> Finding:
    """Give the one finding there is to be; notes each wait in `after`."""
    (finding,) = check_replays(log, queue, sleep=after.append)
    return finding


def test_without_replays_nobody_waits(log: EventLog) -> None:
    waits: list[object] = []
    assert look(log, contents(), waits).message == "no replay is being fed"
    assert waits == []


def test_a_replay_that_stands_still_is_told(log: EventLog) -> None:
    accept(log, *"abc")
    number = make_replay(log)
    turn(log, number, 1)
    finding = look(log, contents(), [])
    assert finding.level is Level.WARNING
    assert f"replay {number} does not come forward, after 1 events" in finding.message


def test_a_replay_that_comes_forward_is_well(log: EventLog) -> None:
    accept(log, *"abc")
    number = make_replay(log)

    def feed(_seconds: float) -> None:
        turn(log, number, 1)

    (finding,) = check_replays(log, contents(), sleep=feed)
    assert (finding.level, finding.message) == (Level.OK, "1 replay is being fed")


@pytest.mark.parametrize("queue", [None, contents(waiting=100)])
def test_a_replay_that_has_to_wait_for_the_queue_is_well(log: EventLog, queue: QueueContents | None) -> None:
    accept(log, "a")
    make_replay(log)
    waits: list[object] = []
    assert look(log, queue, waits).level is Level.OK
    assert waits == []


def test_a_replay_that_made_other_deliveries_than_it_says_is_told(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"h": State.DONE})
    number = replay(log, "a", "h")
    with log.write() as connection:
        connection.execute(update(replays).values(fed=5))
    finding = look(log, contents(), [])
    assert f"replay {number} says that it made 5 deliveries, and the log has 1" in finding.message


def test_a_canary_that_waits_for_its_deliveries_is_well(log: EventLog) -> None:
    accept(log, *"abc")
    for event_id in "abc":
        run(log, event_id, {"h": State.DONE})
    number = create(log, selection=EVERY, handlers={"h": ["*"]}, canary=True, who="a test")
    turn(log, number)
    finding = look(log, contents(), [])
    assert (finding.level, finding.message) == (Level.OK, "1 replay is being fed")


def test_a_replay_that_is_far_ahead_of_a_slow_handler_is_well(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.lone_backlog._AHEAD", 0)
    accept(log, *"ab")
    run(log, "a", {"h": State.DONE})
    turn(log, make_replay(log), 1)
    with log.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.replay > 0).values(queue="slow"))
    waits: list[object] = []
    assert look(log, contents(), waits).level is Level.OK
    assert waits == []
