from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.replay_preview import preview, unknown_ids
from eventlog.replays import create
from eventlog.schema import upgrade
from eventlog.selection import Selection
from eventlog.states import State
from tests.console.stored import feed_all, run, store
from tests.eventlog.stored import an_event

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


@pytest.mark.parametrize(
    ("looked_at", "read_in_order"),
    [(1000, 1000), (1000, 3), (2, 1000)],
    ids=["in order", "a wrong clock", "too many"],
)
def test_what_was_received_in_a_time_is_found_whatever_the_clocks_were(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, looked_at: int, read_in_order: int
) -> None:
    monkeypatch.setattr("eventlog.received._ALL_LOOKED_AT", looked_at)
    monkeypatch.setattr("eventlog.replay_preview._READ_IN_ORDER_SEQS", read_in_order)
    hour = timedelta(hours=1)
    for place, age in enumerate((9, 2, 9, 9, 1, 9, 3, 9)):
        kind = "agent.failed" if place == 6 else "memory.stored"
        record(log, [an_event(f"evt_{place}", kind, age=age * hour)])
    since = datetime.now(UTC) - 4 * hour
    found = preview(log, Selection(since=since), HANDLERS, listed=10)
    assert [event.id for event in found.first] == ["evt_1", "evt_4", "evt_6"]
    assert preview(log, Selection(since=since, until=since + 2 * hour), HANDLERS).selected == 2
    assert preview(log, Selection(since=since, type="agent.*"), HANDLERS).selected == 1
    assert preview(log, Selection(since=since + 4 * hour), HANDLERS).selected == 0


def test_unknown_ids_are_found_among_any_number(log: EventLog) -> None:
    store(log, "known")
    many = [f"unknown_{number}" for number in range(2500)]
    assert unknown_ids(log, ["known", *many]) == many
    assert unknown_ids(log, []) == []
