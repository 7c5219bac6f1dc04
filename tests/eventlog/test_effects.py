"""Steps on record: one result for each event, handler, run and key, whoever records it and how often."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete

from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.effects import StepsOnRecord
from eventlog.errors import LeaseLost, LogUnavailable
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.leases import Claimed, claim, new_lease
from eventlog.replay_feed import feed
from eventlog.replays import create, read_replay
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import events
from tests.eventlog.stored import accept, run
from tests.servers.postgres import PostgreSQL
from tests.workers.claims import expire_leases

LONG = timedelta(seconds=30)


def steps(log: EventLog, event_id: str = "evt_1", handler: str = "h") -> StepsOnRecord:
    """Accept an event and claim it, as a worker would."""
    accept(log, event_id)
    lease = new_lease()
    (claimed,) = claim(log, Hold(lease=lease, replay=ORIGINAL_RUN), [event_id], duration=LONG)
    return StepsOnRecord(log=log, seq=claimed.seq, handler=handler, replay=ORIGINAL_RUN, lease=lease)


def replayed(log: EventLog, handler: str = "h", *, keep_effects: bool) -> StepsOnRecord:
    """Make a replay of the event, and claim its delivery."""
    replay = create(
        log,
        selection=Selection(ids=("evt_1",)),
        handlers={handler: ["*"]},
        keep_effects=keep_effects,
        who="a test",
    )
    feed(log, replay, turn=10, choose=lambda handlers, _: list(handlers))
    lease = new_lease()
    claimed: list[Claimed] = claim(log, Hold(lease=lease, replay=replay), ["evt_1"], duration=LONG)
    return StepsOnRecord(log=log, seq=claimed[0].seq, handler=handler, replay=replay, lease=lease)


def finish(log: EventLog, held: StepsOnRecord) -> None:
    """End a run as a worker would, so that a replay may follow."""
    expire_leases(log)
    run(log, "evt_1", {held.handler: State.DONE}, in_replay=held.replay)


def test_what_was_recorded_is_found_and_nothing_else(log: EventLog) -> None:
    first, other_event = steps(log), steps(log, "evt_2")
    assert first.find("ask") is None
    assert first.record("ask", '{"a":1}') == '{"a":1}'
    other_handler = replace(first, handler="other")
    assert first.find("ask") == '{"a":1}'
    assert [first.find("Ask"), first.find("ask "), other_event.find("ask"), other_handler.find("ask")] == [
        None
    ] * 4


def test_the_first_result_stays(log: EventLog) -> None:
    held = steps(log)
    assert held.record("ask", "1") == "1"
    assert held.record("ask", "2") == "1"
    assert held.find("ask") == "1"


def test_of_many_that_record_at_once_all_get_the_same(log: EventLog, second: EventLog) -> None:
    held = steps(log)
    given: list[str] = []
    start = threading.Barrier(8)

    def record(number: int) -> None:
        here = held if number % 2 else replace(held, log=second)
        start.wait(10)
        given.append(here.record("ask", str(number)))

    threads = [threading.Thread(target=record, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given == [held.find("ask")] * 8


def test_without_the_lease_nothing_is_found_but_what_was_done_is_recorded(log: EventLog) -> None:
    held = steps(log)
    expire_leases(log)
    with pytest.raises(LeaseLost, match="no step is taken"):
        held.find("ask")
    assert held.record("ask", "1") == "1"
    lease = new_lease()
    claim(log, Hold(lease=lease, replay=ORIGINAL_RUN), ["evt_1"], duration=LONG)
    successor = replace(held, lease=lease)
    assert successor.find("ask") == "1"
    with pytest.raises(LeaseLost):
        held.find("ask")


def test_a_replay_finds_its_own_steps_only(log: EventLog) -> None:
    original = steps(log)
    original.record("ask", "0")
    finish(log, original)
    held = replayed(log, keep_effects=False)
    assert held.find("ask") is None
    held.record("ask", "1")
    assert held.find("ask") == "1"
    stored = read_replay(log, held.replay)
    assert stored is not None
    assert stored.keep_effects is False


def test_a_replay_that_keeps_effects_finds_those_of_the_newest_run_before_it(log: EventLog) -> None:
    original = steps(log)
    original.record("ask", "0")
    original.record("store", '"only once"')
    replace(original, handler="other").record("else", "9")
    finish(log, original)
    first = replayed(log, keep_effects=False)
    first.record("ask", "1")
    finish(log, first)
    held = replayed(log, keep_effects=True)
    assert (held.find("ask"), held.find("store"), held.find("else")) == ("1", '"only once"', None)
    held.record("ask", "2")
    assert held.find("ask") == "2"
    expire_leases(log)
    with pytest.raises(LeaseLost):
        held.find("store")


def test_a_run_never_finds_what_a_later_one_recorded(log: EventLog) -> None:
    original = steps(log)
    finish(log, original)
    first = replayed(log, keep_effects=True)
    later = replace(first, replay=first.replay + 1)
    later.record("ask", "2")
    assert first.find("ask") is None


@pytest.mark.parametrize(
    "result", ['"\N{PILE OF POO}\\u0000\\ud800"', '"' + "x" * 1024 * 1024 + '"', "null"], ids=str.__len__
)
def test_any_json_is_kept_as_it_is(log: EventLog, result: str) -> None:
    held = steps(log)
    key = "\N{PILE OF POO}" * 200
    assert held.record(key, result) == result
    assert held.find(key) == result


def test_steps_are_part_of_what_is_known_of_an_event_and_go_with_it(log: EventLog) -> None:
    held = steps(log)
    before = datetime.now(UTC) - timedelta(seconds=60)
    held.record("b", "1")
    held.record("a", "[2]")
    detail = read_detail(log, "evt_1")
    assert detail is not None
    assert [(effect.handler, effect.replay, effect.result) for effect in detail.effects] in (
        [("h", 0, "1"), ("h", 0, "[2]")],
        [("h", 0, "[2]"), ("h", 0, "1")],  # within one millisecond on SQLite
    )
    assert all(before < effect.recorded_at < before + timedelta(seconds=120) for effect in detail.effects)
    with log.write() as connection:
        connection.execute(delete(events))
    accept(log, "evt_1")
    again = read_detail(log, "evt_1")
    assert again is not None
    assert again.effects == ()


def test_with_the_log_away_both_say_so(
    postgres_url: str, postgres: PostgreSQL, postgres_log: EventLog
) -> None:
    held = steps(postgres_log)
    postgres.stop()
    calls: list[Callable[[], object]] = [lambda: held.find("ask"), lambda: held.record("ask", "1")]
    for call in calls:
        with pytest.raises(LogUnavailable):
            call()
    postgres.start()
    assert held.record("ask", "1") == held.find("ask") == "1"
