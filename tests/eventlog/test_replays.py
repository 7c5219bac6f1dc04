from datetime import UTC, datetime, timedelta

import pytest

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.replay_preview import preview
from eventlog.replays import (
    COUNT_LIMIT,
    ReplayState,
    cancel,
    create,
    read_outcomes,
    read_replay,
    read_replays,
)
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.sweep import sweep
from tests.eventlog.feeding import EVERY, feed_all, make_replay, turn
from tests.eventlog.rows import LONG, delivery_rows, event_row, make_delivery_due
from tests.eventlog.stored import accept, an_event, open_intake, run


def accept_and_run(log: EventLog, *ids: str, state: State = State.DONE) -> None:
    accept(log, *ids)
    for event_id in ids:
        run(log, event_id, {"h": state})


def test_a_replay_is_kept_with_who_wants_what_and_why(log: EventLog) -> None:
    accept(log, "a", "b")
    since = datetime(2026, 1, 30, 12, tzinfo=UTC)
    selection = Selection(type="memory.*", state=State.DEAD, since=since, handler="h")
    number = create(
        log,
        selection=selection,
        handlers={"h": ["memory.*", "agent.failed"], "other": ["*"]},
        only_failed=True,
        rate=50,
        who="ada@host",
        reason="the bug of \N{SNOWMAN} is fixed",
    )
    replay = read_replay(log, number)
    assert replay
    assert (replay.id, replay.state, replay.finished_at) == (number, ReplayState.RUNNING, None)
    assert abs(datetime.now(UTC) - replay.created_at) < timedelta(seconds=30)
    assert (replay.who, replay.reason) == ("ada@host", "the bug of \N{SNOWMAN} is fixed")
    assert (replay.selection, replay.only_failed, replay.rate) == (selection, True, 50)
    assert replay.handlers == {"h": ["memory.*", "agent.failed"], "other": ["*"]}
    assert (replay.cursor, replay.upto) == (0, event_row(log, "b").seq)
    assert (replay.events, replay.fed, replay.passed_over, replay.in_flight) == (0, 0, 0, [])


def test_a_replay_that_is_not_there_is_none(log: EventLog) -> None:
    assert read_replay(log, 1) is None
    assert read_replays(log) == []
    assert read_outcomes(log, 1) == {}


def test_replays_are_listed_the_newest_first(log: EventLog) -> None:
    numbers = [make_replay(log) for _ in range(3)]
    cancel(log, numbers[1])
    assert numbers == sorted(numbers)
    assert numbers[0] > 0  # 0 is the original run
    assert [replay.id for replay in read_replays(log)] == numbers[::-1]
    assert [replay.id for replay in read_replays(log, limit=2)] == [numbers[2], numbers[1]]
    assert [replay.id for replay in read_replays(log, state=ReplayState.RUNNING)] == [numbers[2], numbers[0]]


def test_events_are_counted_up_to_a_limit(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    accept_and_run(log, "a", "b", "c")
    record(log, [an_event("d", "agent.failed")])
    everywhere = {"h": ["*"]}
    assert preview(log, EVERY, everywhere).selected == 4
    assert preview(log, Selection(type="memory.*"), everywhere).selected == 3
    assert preview(log, Selection(ids=("a", "unknown")), everywhere).selected == 1
    assert COUNT_LIMIT == 10_000
    monkeypatch.setattr("eventlog.replay_preview.COUNT_LIMIT", 2)
    assert preview(log, EVERY, everywhere).selected == 3  # more than the limit


def test_events_that_arrive_after_a_replay_was_made_are_not_in_it(log: EventLog) -> None:
    accept_and_run(log, "before")
    number = make_replay(log)
    accept_and_run(log, "after")
    assert feed_all(log, number) == ["before"]


def test_a_replay_made_beside_an_open_intake_ends_below_it(postgres_log: EventLog) -> None:
    accept_and_run(postgres_log, "before")
    with open_intake(postgres_log, an_event("slow")):
        accept_and_run(postgres_log, "after")
        number = make_replay(postgres_log)
    replay = read_replay(postgres_log, number)
    assert replay
    assert replay.upto == event_row(postgres_log, "before").seq
    assert feed_all(postgres_log, number) == ["before"]


def test_the_outcomes_of_a_replay_are_counted_apart_from_others(log: EventLog) -> None:
    accept_and_run(log, "a", "b", "c")
    number, other = make_replay(log), make_replay(log, Selection(ids=("a",)), handlers=["new"])
    feed_all(log, number)
    feed_all(log, other)
    run(log, "a", {"h": State.DEAD}, in_replay=number)
    run(log, "b", {"h": State.DONE}, in_replay=number)
    assert read_outcomes(log, number) == {State.DEAD: 1, State.DONE: 1, State.QUEUED: 1}
    assert read_outcomes(log, other) == {State.QUEUED: 1}


def test_a_cancelled_replay_queues_nothing_more_and_withdraws_what_is_queued(log: EventLog) -> None:
    accept_and_run(log, "a", "b", "c", "d")
    number = make_replay(log)
    assert not turn(log, number, 3).finished
    run(log, "a", {"h": State.DONE}, in_replay=number)
    claim(log, Hold(lease=new_lease(), replay=number), ["b"], duration=LONG)
    assert cancel(log, number)
    replay = read_replay(log, number)
    assert replay
    assert replay.state is ReplayState.CANCELLED
    assert replay.finished_at is not None
    assert (turn(log, number).event_ids, turn(log, number).finished) == ((), True)
    assert read_outcomes(log, number) == {State.DONE: 1, State.RUNNING: 1, State.SKIPPED: 1}
    withdrawn = delivery_rows(log, "c", replay=number)["h"]
    assert (withdrawn.due_at, withdrawn.note) == (None, "its replay was cancelled")
    assert claim(log, Hold(lease=new_lease(), replay=number), ["c"], duration=LONG) == []
    make_delivery_due(log, "h", in_=LONG)
    assert sweep(log) == []
    assert not cancel(log, number)


def test_a_replay_that_was_fed_can_be_cancelled_while_its_deliveries_wait(log: EventLog) -> None:
    accept_and_run(log, "a", "b")
    number = make_replay(log)
    feed_all(log, number)
    run(log, "a", {"h": State.WAITING}, in_replay=number)
    before = read_replay(log, number)
    assert before
    assert before.state is ReplayState.DONE
    assert cancel(log, number)
    after = read_replay(log, number)
    assert after
    assert (after.state, after.finished_at) == (ReplayState.CANCELLED, before.finished_at)
    assert read_outcomes(log, number) == {State.SKIPPED: 2}


def test_a_replay_that_ran_to_its_end_can_not_be_cancelled(log: EventLog) -> None:
    accept_and_run(log, "a")
    number = make_replay(log)
    feed_all(log, number)
    run(log, "a", {"h": State.DONE}, in_replay=number)
    assert not cancel(log, number)
    assert read_outcomes(log, number) == {State.DONE: 1}
    assert not cancel(log, 99)


def test_cancelling_leaves_other_runs_alone(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"h": State.WAITING})
    accept_and_run(log, "b")
    number, other = make_replay(log, handlers=["new"]), make_replay(log, Selection(ids=("b",)))
    feed_all(log, other)
    assert cancel(log, number)
    assert delivery_rows(log, "a")["h"].state == State.WAITING
    assert read_outcomes(log, other) == {State.QUEUED: 1}


def test_what_a_cancelled_replay_withdrew_is_still_failed_for_the_next(log: EventLog) -> None:
    accept_and_run(log, "a", state=State.DEAD)
    first = make_replay(log, only_failed=True)
    assert feed_all(log, first) == ["a"]
    cancel(log, first)
    second = make_replay(log, only_failed=True)
    assert feed_all(log, second) == ["a"]
    run(log, "a", {"h": State.WAITING}, in_replay=second)
    cancel(log, second)
    assert preview(log, EVERY, {"h": ["*"]}, only_failed=True).wanted == 1
    third = make_replay(log, only_failed=True)
    assert feed_all(log, third) == ["a"]
    run(log, "a", {"h": State.SKIPPED}, in_replay=third, note="nothing to do any more")
    assert preview(log, EVERY, {"h": ["*"]}, only_failed=True).wanted == 0
    assert feed_all(log, make_replay(log, only_failed=True)) == []
