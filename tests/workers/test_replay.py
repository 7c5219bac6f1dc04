"""Feeding replays to the queue, with the test's own time."""

import pytest
from structlog.testing import capture_logs

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.hand_on import hand_on
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.replays import Replay, ReplayState, cancel, create, read_outcomes, read_replay
from eventlog.selection import Selection
from eventlog.states import State
from tests.eventlog.lane import LONG, Lane
from tests.eventlog.stored import accept, an_event, run
from workers.queue.redis_queue import EventQueue
from workers.replay import ReplayFeeder, choose_handlers


@pytest.fixture
def feeder(log: EventLog, queue: EventQueue) -> ReplayFeeder:
    return ReplayFeeder(log, queue)


def done_events(log: EventLog, number: int) -> None:
    for place in range(number):
        accept(log, f"evt_{place}")
        run(log, f"evt_{place}", {"h": State.DONE})


def replay_all(log: EventLog, *, rate: int | None = None) -> int:
    return create(log, selection=Selection(), handlers={"h": ["*"]}, rate=rate, who="a test")


def read(log: EventLog, replay: int) -> Replay:
    found = read_replay(log, replay)
    assert found is not None
    return found


def test_a_replay_without_a_rate_is_fed_in_one_turn(
    log: EventLog, queue: EventQueue, feeder: ReplayFeeder
) -> None:
    done_events(log, 5)
    replay = replay_all(log)
    feeder.feed(0, 0)
    assert read(log, replay).state is ReplayState.DONE
    assert read_outcomes(log, replay) == {State.QUEUED: 5}
    assert queue.waiting_jobs() == 1
    feeder.feed(1, 0)
    assert queue.waiting_jobs() == 1


def test_a_replay_is_never_fed_faster_than_its_rate(log: EventLog, feeder: ReplayFeeder) -> None:
    done_events(log, 12)
    replay = replay_all(log, rate=4)
    fed = []
    for quarter in range(12):
        feeder.feed(100 + quarter / 4, 0)
        fed.append(read(log, replay).events)
    assert fed == list(range(1, 13))  # one each quarter of a second
    feeder.feed(103, 0)
    feeder.feed(103.25, 0)
    assert read(log, replay).state is ReplayState.DONE


def test_after_a_pause_a_replay_makes_up_for_a_second_at_most(log: EventLog, feeder: ReplayFeeder) -> None:
    done_events(log, 9)
    replay = replay_all(log, rate=3)
    feeder.feed(0, 0)
    feeder.feed(1000, 0)
    assert read(log, replay).events == 4


def test_a_rate_below_one_event_a_turn_is_kept(log: EventLog, feeder: ReplayFeeder) -> None:
    done_events(log, 3)
    replay = replay_all(log, rate=1)
    for quarter in range(9):
        feeder.feed(quarter / 4, 0)
    assert read(log, replay).events == 3


def test_what_no_handler_wants_takes_nothing_of_the_rate(
    log: EventLog, feeder: ReplayFeeder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.replay._TURN_EVENTS", 4)
    done_events(log, 10)
    record(log, [an_event("rare", "agent.failed"), an_event("rarer", "agent.failed")])
    for event_id in ("rare", "rarer"):
        run(log, event_id, {"h": State.DONE})
    replay = create(log, selection=Selection(), handlers={"h": ["agent.*"]}, rate=1, who="a test")
    seen = [(feeder.feed(now, 0), read(log, replay).events) for now in (0, 0, 0, 0.5, 1)]
    assert seen == [(True, 4), (True, 8), (False, 11), (False, 11), (False, 12)]


def test_an_event_counts_once_for_each_handler_that_it_is_given_to(
    log: EventLog, feeder: ReplayFeeder
) -> None:
    done_events(log, 3)
    handlers = {"g": ["*"], "h": ["*"]}
    replay = create(log, selection=Selection(), handlers=handlers, rate=4, who="a test")
    seen = []
    for quarter in range(6):
        feeder.feed(quarter / 4, 0)
        now = read(log, replay)
        seen.append((now.fed, now.events, now.state))
    running, done = ReplayState.RUNNING, ReplayState.DONE
    assert seen == [(n, n // 2, running if n < 6 else done) for n in range(1, 7)]


def test_fresh_events_go_first(log: EventLog, feeder: ReplayFeeder) -> None:
    done_events(log, 2)
    replay = replay_all(log)
    feeder.feed(0, backlog=6)
    assert read(log, replay).fed == 0
    feeder.feed(1, backlog=5)
    assert read(log, replay).fed == 2


def test_what_is_left_of_a_replay_can_be_fed_at_once(
    log: EventLog, feeder: ReplayFeeder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.replay._TURN_EVENTS", 2)
    done_events(log, 5)
    replay = replay_all(log)
    seen = [(feeder.feed(0, backlog), read(log, replay).fed) for backlog in (0, 6, 0, 0, 0)]
    assert seen == [(True, 2), (True, 2), (True, 4), (False, 5), (False, 5)]


def test_what_a_rate_holds_back_has_time_until_the_next_turn(
    log: EventLog, feeder: ReplayFeeder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.replay._TURN_EVENTS", 4)
    done_events(log, 4)
    replay = replay_all(log, rate=2)
    assert not feeder.feed(0, 0)
    assert not feeder.feed(0.5, backlog=6)
    assert not feeder.feed(1, 0)
    assert read(log, replay).fed == 3


def test_the_jobs_of_one_replay_leave_less_room_for_the_next(
    log: EventLog, queue: EventQueue, feeder: ReplayFeeder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.replay._ROOM_JOBS", 0)
    monkeypatch.setattr("workers.replay._TURN_EVENTS", 2)
    done_events(log, 2)
    first = replay_all(log)
    second = create(log, selection=Selection(), handlers={"other": ["*"]}, who="a test")
    assert feeder.feed(0, 0)
    assert sorted(read(log, each).fed for each in (first, second)) == [0, 2]
    assert queue.waiting_jobs() == 1


def move(log: EventLog, replay: int, *ids: str) -> None:
    """Hand deliveries on to the queue of their handler, as a worker does at once with what is not its own."""
    hold = Hold(lease=new_lease(), replay=replay)
    claimed = claim(log, hold, ids, duration=LONG)
    lane = Lane(log=log, handler="h", queue="slow", is_ordered=False)
    hand_on(log, hold, [lane.placement(one) for one in claimed])


def test_a_replay_is_fed_no_more_while_much_of_it_waits_in_the_queue_of_its_handler(
    log: EventLog, feeder: ReplayFeeder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.replay._TURN_EVENTS", 2)
    monkeypatch.setattr("eventlog.lone_backlog._AHEAD", 2)
    done_events(log, 8)
    replay = replay_all(log)
    seen = []
    for _ in range(4):
        goes_on = feeder.feed(0, 0)
        fed = read(log, replay).fed
        move(log, replay, *[f"evt_{number}" for number in range(fed)])
        seen.append((goes_on, fed))
    assert seen == [(True, 2), (True, 4), (False, 4), (False, 4)]
    lane = Lane(log=log, handler="h", queue="slow")
    for run_ in lane.claim("evt_0", "evt_1", replay=replay)[1]:
        lane.end(run_)
    assert feeder.feed(0, 0)
    assert read(log, replay).fed == 6


@pytest.mark.parametrize(("waiting", "jobs"), [(0, 2), (1, 2), (2, 1)])
def test_where_jobs_wait_those_of_a_replay_are_larger(
    log: EventLog,
    queue: EventQueue,
    feeder: ReplayFeeder,
    monkeypatch: pytest.MonkeyPatch,
    waiting: int,
    jobs: int,
) -> None:
    monkeypatch.setattr("workers.queue.redis_queue.IDS_A_JOB", 2)
    monkeypatch.setattr("workers.queue.redis_queue.IDS_A_JOB_BEHIND", 4)
    done_events(log, 4)
    replay_all(log)
    feeder.feed(0, backlog=waiting)
    assert queue.waiting_jobs() == jobs


def test_a_cancelled_replay_is_fed_no_more(log: EventLog, feeder: ReplayFeeder) -> None:
    done_events(log, 4)
    replay = replay_all(log, rate=1)
    feeder.feed(0, 0)
    cancel(log, replay)
    feeder.feed(10, 0)
    assert read(log, replay).fed == 1
    assert read_outcomes(log, replay) == {State.SKIPPED: 1}


def test_another_clock_takes_a_replay_up_where_it_was_left(
    log: EventLog, queue: EventQueue, feeder: ReplayFeeder
) -> None:
    done_events(log, 3)
    replay = replay_all(log, rate=1)
    feeder.feed(0, 0)
    follower = ReplayFeeder(log, queue)
    for second in range(4):
        follower.feed(second, 0)
    assert read(log, replay).state is ReplayState.DONE
    assert read_outcomes(log, replay) == {State.QUEUED: 3}


def test_several_clocks_keep_one_rate(log: EventLog, queue: EventQueue) -> None:
    done_events(log, 30)
    replay = replay_all(log, rate=4)
    feeders = [ReplayFeeder(log, queue) for _ in range(3)]
    for quarter in range(12):
        for feeder in feeders:
            feeder.feed(100 + quarter / 4, 0)
    assert read(log, replay).events == 12 + 2  # each that just began may feed one event


def test_a_handler_is_chosen_by_any_of_its_patterns() -> None:
    handlers = {"all": ["*"], "family": ["agent.*", "memory.*"], "one": ["memory.stored"], "none": ["x.y"]}
    assert choose_handlers(handlers, "memory.stored") == ["all", "family", "one"]
    assert choose_handlers(handlers, "memory.deleted") == ["all", "family"]


def test_a_canary_is_stopped_whatever_the_backlog(
    log: EventLog, queue: EventQueue, feeder: ReplayFeeder
) -> None:
    done_events(log, 3)
    number = create(log, selection=Selection(), handlers={"h": ["*"]}, canary=True, who="a test")
    feeder.feed(0, 0)
    feeder.feed(1, 0)
    assert (queue.waiting_jobs(), read(log, number).fed) == (1, 1)
    run(log, "evt_0", {"h": State.DEAD}, in_replay=number)
    with capture_logs() as logged:
        feeder.feed(2, backlog=1000)
    assert read(log, number).state is ReplayState.STOPPED
    (line,) = logged
    assert (line["event"], line["replay"]) == ("replay_stopped", number)
    assert line["reason"].startswith("evt_0 failed again in h")
    feeder.feed(3, 0)
    assert queue.waiting_jobs() == 1


def test_a_canary_keeps_to_its_rate(log: EventLog, feeder: ReplayFeeder) -> None:
    done_events(log, 4)
    selection = Selection()
    number = create(log, selection=selection, handlers={"h": ["*"]}, canary=True, rate=1, who="a test")
    feeder.feed(0, 0)
    run(log, "evt_0", {"h": State.DONE}, in_replay=number)
    fed = []
    for half in range(2, 8):
        feeder.feed(half / 2, 0)
        fed.append(read(log, number).fed)
    assert fed == [2, 2, 3, 3, 4, 4]
