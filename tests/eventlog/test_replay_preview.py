from collections.abc import Iterator

import pytest

from eventlog.database import EventLog
from eventlog.replay_preview import preview, unknown_ids
from eventlog.replays import create
from eventlog.schema import upgrade
from eventlog.selection import Selection
from eventlog.states import State
from tests.console.stored import feed_all, run, store

HANDLERS = {"remember": ["memory.*"], "explain": ["agent.failed", "memory.stored"]}


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    opened = EventLog.open(database_url)
    upgrade(opened)
    yield opened
    opened.close()


def wanted(log: EventLog, handlers: dict[str, list[str]], *, only_failed: bool = False) -> list[str]:
    found = preview(log, Selection(), handlers, only_failed=only_failed, listed=10)
    assert found.wanted == len(found.first)
    return [event.id for event in found.first]


def test_events_that_some_handler_listens_for_are_wanted_in_the_order_of_arrival(log: EventLog) -> None:
    store(log, "b", kind="memory.updated")
    store(log, "a", kind="agent.failed")
    store(log, "c", kind="usage.threshold")
    assert wanted(log, HANDLERS) == ["b", "a"]
    assert wanted(log, {"explain": HANDLERS["explain"]}) == ["a"]
    assert wanted(log, {"all": ["*"]}) == ["b", "a", "c"]
    assert wanted(log, {}) == []
    assert preview(log, Selection(), HANDLERS).selected == 3
    assert preview(log, Selection(type="agent.*"), HANDLERS, listed=10).first[0].state is State.QUEUED


def test_only_failed_means_the_last_run_of_a_handler_that_would_run(log: EventLog) -> None:
    store(log, "broken", "mended", "fine")
    run(log, {"remember": State.DONE, "explain": State.DEAD}, "broken", "mended")
    run(log, {"remember": State.DONE, "explain": State.DONE}, "fine")
    assert wanted(log, HANDLERS, only_failed=True) == ["broken", "mended"]
    assert wanted(log, {"remember": HANDLERS["remember"]}, only_failed=True) == []
    assert wanted(log, {"explain": ["agent.*"]}, only_failed=True) == []

    number = create(log, selection=Selection(ids=("mended",)), handlers=HANDLERS, who="a test")
    run(log, {"remember": State.DONE, "explain": State.DONE}, *feed_all(log)[number], replay=number)
    assert wanted(log, HANDLERS, only_failed=True) == ["broken"]


def test_unknown_ids_are_found_among_any_number(log: EventLog) -> None:
    store(log, "known")
    many = [f"unknown_{number}" for number in range(2500)]
    assert unknown_ids(log, ["known", *many]) == many
    assert unknown_ids(log, []) == []
