from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.listing import read_arrivals, read_latest, read_page
from eventlog.selection import Selection
from eventlog.states import State
from tests.eventlog.stored import accept, an_event, open_intake, opened, run

EVERY = Selection()


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    log = opened(database_url)
    yield log
    log.close()


def ids(selection: Selection, log: EventLog) -> list[str]:
    return [event.id for event in read_page(log, selection, limit=50).events]


def test_pages_go_from_the_newest_to_the_oldest_without_a_gap(log: EventLog) -> None:
    accept(log, *"abcde")
    pages, before = [], None
    while True:
        page = read_page(log, EVERY, limit=2, before=before)
        pages.append([event.id for event in page.events])
        before = page.next_before
        if before is None:
            break
    assert pages == [["e", "d"], ["c", "b"], ["a"]]


def test_a_full_last_page_names_no_next_one(log: EventLog) -> None:
    accept(log, "a", "b")
    assert read_page(log, EVERY, limit=2).next_before is None


def test_an_empty_log_has_an_empty_page(log: EventLog) -> None:
    assert read_page(log, EVERY, limit=2).events == ()


def test_every_filter_applies(log: EventLog) -> None:
    record(log, [an_event("old", "memory.stored", subject="m1", age=timedelta(hours=3))])
    record(log, [an_event("new", "agent.failed", subject="a1")])
    run(log, "new", {"explain": State.DEAD})
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert ids(Selection(type="memory.*"), log) == ["old"]
    assert ids(Selection(type="agent.failed"), log) == ["new"]
    assert ids(Selection(type="agent"), log) == []
    assert ids(Selection(state=State.DEAD), log) == ["new"]
    assert ids(Selection(subject="m1"), log) == ["old"]
    assert ids(Selection(since=hour_ago), log) == ["new"]
    assert ids(Selection(until=hour_ago), log) == ["old"]
    assert ids(Selection(handler="explain"), log) == ["new"]
    assert ids(Selection(handler="explain", state=State.DONE), log) == []
    assert ids(Selection(type="*"), log) == ["new", "old"]


def test_a_dead_event_names_the_handlers_that_gave_up_and_no_other(log: EventLog) -> None:
    accept(log, "a", "b")
    run(log, "a", {"one": State.DEAD, "two": State.DONE, "three": State.DEAD})
    run(log, "b", {"one": State.DONE})
    page = read_page(log, EVERY, limit=9)
    assert {event.id: event.dead_handlers for event in page.events} == {"a": ("one", "three"), "b": ()}
    assert [event.state for event in page.events] == [State.DONE, State.DEAD]


def test_an_event_tells_how_often_it_was_sent(log: EventLog) -> None:
    accept(log, "a", "a", "a")
    assert [event.seen for event in read_page(log, EVERY, limit=9).events] == [3]


def test_what_arrives_after_the_latest_is_read_once_and_in_order(log: EventLog) -> None:
    accept(log, *"abc")
    latest = read_latest(log, EVERY, limit=2)
    assert [event.id for event in latest.events] == ["b", "c"]
    accept(log, *"def")
    first = read_arrivals(log, EVERY, after=latest.cursor, limit=2)
    second = read_arrivals(log, EVERY, after=first.cursor, limit=2)
    assert [[event.id for event in read.events] for read in (first, second)] == [["d", "e"], ["f"]]
    assert [first.more, second.more] == [True, False]
    assert read_arrivals(log, EVERY, after=second.cursor, limit=2).events == ()


def test_the_first_event_of_an_empty_log_arrives(log: EventLog) -> None:
    latest = read_latest(log, EVERY, limit=2)
    accept(log, "a")
    assert [event.id for event in read_arrivals(log, EVERY, after=latest.cursor, limit=2).events] == ["a"]


def test_events_that_the_filter_leaves_out_are_not_looked_at_again(log: EventLog) -> None:
    accept(log, "a", "b")
    none = read_arrivals(log, Selection(type="agent.failed"), after=0, limit=2)
    assert none.events == ()
    assert read_arrivals(log, EVERY, after=none.cursor, limit=2).events == ()


def test_an_arrival_that_commits_late_is_not_missed(postgres_url: str) -> None:
    log = opened(postgres_url)
    accept(log, "first")
    with open_intake(log, an_event("late")):
        accept(log, "quick")
        early = read_latest(log, EVERY, limit=9)
    assert [event.id for event in early.events] == ["first"]
    after = read_arrivals(log, EVERY, after=early.cursor, limit=9)
    assert [event.id for event in after.events] == ["late", "quick"]
    log.close()
