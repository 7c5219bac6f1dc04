from collections.abc import Iterator
from contextlib import suppress

import pytest

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.export import ExportedEvent, read_end, read_export_page
from eventlog.selection import Selection
from eventlog.states import State
from tests.eventlog.stored import accept, an_event, open_intake, opened, run

EVERY = Selection()


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    log = opened(database_url)
    yield log
    log.close()


def export(
    log: EventLog, after: int = 0, selection: Selection = EVERY, *, a_page: int = 2
) -> tuple[list[ExportedEvent], int]:
    """Export all there is after a cursor, and return it with the next cursor."""
    upto = read_end(log)
    found: list[ExportedEvent] = []
    while True:
        page = read_export_page(log, selection, after=after, upto=upto, limit=a_page)
        found += page.events
        after = page.cursor
        if page.finished:
            return found, after


def ids(found: list[ExportedEvent]) -> list[str]:
    return [event.id for event in found]


def test_events_come_in_order_of_arrival_each_once_whatever_the_page(log: EventLog) -> None:
    accept(log, *"edcba")
    for a_page in (1, 2, 5, 9):
        assert ids(export(log, a_page=a_page)[0]) == list("edcba")


def test_going_on_from_any_event_gives_what_follows_it(log: EventLog) -> None:
    accept(log, *"abcde")
    everything, _ = export(log)
    for place, event in enumerate(everything, start=1):
        assert ids(export(log, event.seq)[0]) == list("abcde")[place:]


def test_going_on_from_the_end_gives_only_what_is_new(log: EventLog) -> None:
    accept(log, "a", "b")
    _, cursor = export(log)
    accept(log, "c")
    again, cursor = export(log, cursor)
    assert ids(again) == ["c"]
    assert export(log, cursor) == ([], cursor)


def test_a_filter_that_matches_nothing_still_moves_the_cursor(log: EventLog) -> None:
    accept(log, "a", "b")
    found, cursor = export(log, selection=Selection(type="agent.failed"))
    assert found == []
    assert export(log, cursor)[0] == []
    accept(log, "c")
    assert ids(export(log, cursor)[0]) == ["c"]


def test_an_export_of_an_empty_log_does_not_pass_over_its_first_event(log: EventLog) -> None:
    found, cursor = export(log)
    assert found == []
    accept(log, "first")
    assert ids(export(log, cursor)[0]) == ["first"]


def test_a_cursor_beyond_the_end_is_kept(log: EventLog) -> None:
    accept(log, "a")
    assert export(log, 1000) == ([], 1000)


def test_each_event_has_its_first_body_and_its_deliveries(log: EventLog) -> None:
    body = b'{"id":"a",  "n": 1.0}\n\xff'
    record(log, [an_event("a", body=body)])
    record(log, [an_event("a", body=b"another")])
    run(log, "a", {"one": State.DONE, "two": State.DEAD}, note="why")
    ((event,), _) = export(log)
    assert event.body == body
    assert event.seen == 2
    assert event.state is State.DEAD
    assert [(delivery.handler, delivery.state, delivery.attempts) for delivery in event.deliveries] == [
        ("one", State.DONE, 1),
        ("two", State.DEAD, 1),
    ]


def test_an_event_that_commits_after_a_higher_one_is_not_missed(postgres_url: str) -> None:
    log = opened(postgres_url)
    accept(log, "first")
    with open_intake(log, an_event("late")):
        accept(log, "quick")  # takes a higher seq and commits before the late one
        early, cursor = export(log)
        nothing, cursor = export(log, cursor, Selection(type="agent.failed"))
    later, _ = export(log, cursor)
    assert ids(early) == ["first"]
    assert nothing == []
    assert ids(later) == ["late", "quick"]
    log.close()


def test_an_event_whose_transaction_is_rolled_back_holds_nothing_up(postgres_url: str) -> None:
    log = opened(postgres_url)
    with suppress(ZeroDivisionError), open_intake(log, an_event("never")):
        accept(log, "quick")
        raise ZeroDivisionError
    assert ids(export(log)[0]) == ["quick"]
    log.close()
