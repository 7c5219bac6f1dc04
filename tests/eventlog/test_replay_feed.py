from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import select

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.outcome import Closing
from eventlog.replay_feed import feed
from eventlog.replays import Replay, ReplayState, create, read_outcomes, read_replay
from eventlog.selection import Selection
from eventlog.settlement import settle
from eventlog.states import REQUEUE_GRACE, State
from eventlog.tables import deliveries, replays
from tests.eventlog.feeding import EVERY, choose, feed_all, make_replay, turn
from tests.eventlog.rows import LONG, delivery_rows, event_row, seconds_until_due
from tests.eventlog.stored import accept, an_event, run


def accept_and_run(log: EventLog, *ids: str, state: State = State.DONE) -> None:
    accept(log, *ids)
    for event_id in ids:
        run(log, event_id, {"h": state})


def leave_unhandled(log: EventLog, event_id: str) -> None:
    accept(log, event_id)
    hold = Hold(lease=new_lease(), replay=0)
    (claimed,) = claim(log, hold, [event_id], duration=LONG)
    closing = Closing(seq=claimed.seq, event_id=event_id, state=State.UNHANDLED)
    settle(log, hold, results=[], closings=[closing])


def of(log: EventLog, number: int) -> Replay:
    replay = read_replay(log, number)
    assert replay
    return replay


def test_a_replay_makes_deliveries_of_its_own_beside_the_old_ones(log: EventLog) -> None:
    accept_and_run(log, "a")
    event, original = event_row(log, "a"), delivery_rows(log, "a")
    number = make_replay(log)
    fed = turn(log, number)
    assert (fed.event_ids, fed.looked_at, fed.finished) == (("a",), 1, True)
    row = delivery_rows(log, "a", replay=number)["h"]
    assert (row.state, row.lease, row.attempts, row.failures) == (State.QUEUED, None, 0, 0)
    grace = REQUEUE_GRACE.total_seconds()
    assert grace - 4 < seconds_until_due(log, row) <= grace
    assert (event_row(log, "a"), delivery_rows(log, "a")) == (event, original)


def test_events_are_chosen_by_id_or_by_filter(log: EventLog) -> None:
    accept_and_run(log, "a", "b", "c")
    record(log, [an_event("d", "agent.failed")])
    run(log, "d", {"h": State.DEAD})
    assert feed_all(log, make_replay(log, Selection(ids=("c", "a", "unknown")))) == ["a", "c"]
    assert feed_all(log, make_replay(log, Selection(type="agent.*"), handlers=["g"])) == ["d"]
    assert feed_all(log, make_replay(log, Selection(state=State.DONE), handlers=["g"])) == ["a", "b", "c"]
    assert feed_all(log, make_replay(log, Selection(ids=("unknown",)))) == []


def test_a_large_replay_is_fed_in_pieces_that_miss_and_repeat_nothing(log: EventLog) -> None:
    ids = list("abcdefg")
    accept_and_run(log, *ids)
    number = make_replay(log)
    pieces = []
    for cursor in ("c", "f"):
        fed = turn(log, number, 3)
        pieces.append(fed.event_ids)
        assert (fed.looked_at, fed.finished) == (3, False)
        assert of(log, number).cursor == event_row(log, cursor).seq
        assert of(log, number).state is ReplayState.RUNNING
    fed = turn(log, number, 3)
    assert [*pieces, fed.event_ids] == [("a", "b", "c"), ("d", "e", "f"), ("g",)]
    assert (fed.looked_at, fed.finished) == (1, True)
    replay = of(log, number)
    assert (replay.state, replay.events, replay.fed, replay.passed_over) == (ReplayState.DONE, 7, 7, 0)
    assert replay.finished_at is not None
    assert turn(log, number, 3).event_ids == ()
    assert read_outcomes(log, number) == {State.QUEUED: 7}


def test_a_replay_whose_last_piece_is_full_ends_with_the_next(log: EventLog) -> None:
    accept_and_run(log, "a", "b")
    number = make_replay(log)
    assert not turn(log, number, 2).finished
    fed = turn(log, number, 2)
    assert (fed.event_ids, fed.looked_at, fed.finished) == ((), 0, True)
    assert of(log, number).state is ReplayState.DONE


def test_each_handler_gets_the_types_that_it_wants(log: EventLog) -> None:
    accept_and_run(log, "memory")
    record(log, [an_event("agent", "agent.failed"), an_event("usage", "usage.threshold")])
    for event_id in ("agent", "usage"):
        run(log, event_id, {"h": State.DONE})
    patterns = {"memories": ["memory.stored"], "both": ["memory.stored", "agent.failed"]}
    number = create(log, selection=EVERY, handlers=patterns, who="a test")
    fed = feed(log, number, turn=10, choose=choose)
    assert (fed.event_ids, fed.looked_at) == (("memory", "agent"), 3)
    assert set(delivery_rows(log, "memory", replay=number)) == {"memories", "both"}
    assert set(delivery_rows(log, "agent", replay=number)) == {"both"}
    assert delivery_rows(log, "usage", replay=number) == {}
    assert (of(log, number).events, of(log, number).fed, of(log, number).passed_over) == (3, 3, 0)


def test_a_handler_is_given_events_that_came_before_it_existed_and_unhandled_ones(log: EventLog) -> None:
    accept_and_run(log, "old")
    leave_unhandled(log, "unhandled")
    number = make_replay(log, handlers=["new"])
    assert feed_all(log, number) == ["old", "unhandled"]
    assert delivery_rows(log, "unhandled", replay=number)["new"].state == State.QUEUED
    assert event_row(log, "unhandled").state == State.UNHANDLED


def test_what_is_in_flight_is_passed_over_and_named(log: EventLog) -> None:
    accept(log, "queued", "running", "waiting", "half")
    accept_and_run(log, "done")
    claim(log, Hold(lease=new_lease(), replay=0), ["running"], duration=LONG)
    run(log, "waiting", {"h": State.WAITING})
    run(log, "half", {"h": State.DONE, "other": State.WAITING})
    number = make_replay(log)
    assert feed_all(log, number) == ["half", "done"]  # of a waiting event, what is finished may run again
    replay = of(log, number)
    assert replay.in_flight == ["queued h", "running h", "waiting h"]
    assert (replay.events, replay.fed, replay.passed_over) == (5, 2, 3)


def test_what_another_replay_has_in_flight_is_passed_over_and_named(log: EventLog) -> None:
    accept_and_run(log, "a", "b")
    first, second = make_replay(log, Selection(ids=("a",))), make_replay(log)
    assert feed_all(log, first) == ["a"]
    assert feed_all(log, second) == ["b"]
    assert of(log, second).in_flight == ["a h"]
    run(log, "a", {"h": State.DONE}, in_replay=first)
    assert feed_all(log, make_replay(log, Selection(ids=("a",)))) == ["a"]


def test_only_so_many_of_what_is_in_flight_are_named(log: EventLog) -> None:
    record(log, [an_event(f"evt_{number}") for number in range(1200)])
    number = make_replay(log)
    assert feed_all(log, number, 500) == []
    replay = of(log, number)
    assert (len(replay.in_flight), replay.passed_over) == (1000, 1200)
    assert replay.in_flight[0].endswith(" h")


def test_only_what_failed_is_fed_where_that_was_asked_for(log: EventLog) -> None:
    accept_and_run(log, "good", state=State.DONE)
    accept_and_run(log, "bad", "mended", "spoilt", state=State.DEAD)
    accept_and_run(log, "nothing", state=State.SKIPPED)
    leave_unhandled(log, "unhandled")
    earlier = make_replay(log, Selection(ids=("mended",)))
    feed_all(log, earlier)
    run(log, "mended", {"h": State.DONE}, in_replay=earlier)
    earlier = make_replay(log, Selection(ids=("good",)))
    feed_all(log, earlier)
    run(log, "good", {"h": State.DEAD}, in_replay=earlier)
    number = make_replay(log, only_failed=True)
    assert feed_all(log, number) == ["good", "bad", "spoilt"]  # what counts is the last run
    assert of(log, number).passed_over == 3
    assert feed_all(log, make_replay(log, handlers=["new"], only_failed=True)) == []


def test_of_several_handlers_only_those_that_failed_are_given_the_event_again(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"good": State.DONE, "bad": State.DEAD})
    number = make_replay(log, handlers=["good", "bad"], only_failed=True)
    assert turn(log, number).event_ids == ("a",)
    assert set(delivery_rows(log, "a", replay=number)) == {"bad"}


def test_an_event_for_several_handlers_is_told_once(log: EventLog) -> None:
    accept_and_run(log, "a")
    number = make_replay(log, handlers=["one", "two", "three"])
    assert turn(log, number).event_ids == ("a",)
    assert of(log, number).fed == 3
    (claimed,) = claim(log, Hold(lease=new_lease(), replay=number), ["a"], duration=LONG)
    assert {prior.handler for prior in claimed.prior} == {"one", "two", "three"}


def test_two_clocks_at_one_replay_make_each_delivery_once(log: EventLog, second: EventLog) -> None:
    ids = [f"evt_{number:03}" for number in range(60)]
    record(log, [an_event(event_id) for event_id in ids])
    for event_id in ids:
        run(log, event_id, {"h": State.DONE})
    number = make_replay(log)
    start = Barrier(2)

    def clock(of_clock: EventLog) -> list[str]:
        found: list[str] = []
        for _ in range(10):
            start.wait()
            found += turn(of_clock, number, 7).event_ids
        return found

    with ThreadPoolExecutor(2) as threads:
        found = [event_id for part in threads.map(clock, (log, second)) for event_id in part]
    found += feed_all(log, number)
    assert sorted(found) == ids
    assert (of(log, number).events, of(log, number).fed) == (60, 60)
    assert read_outcomes(log, number) == {State.QUEUED: 60}


def test_a_replay_that_another_clock_is_at_is_left_to_it(postgres_log: EventLog) -> None:
    accept_and_run(postgres_log, "a")
    number = make_replay(postgres_log)
    with postgres_log.write() as other_clock:
        other_clock.execute(select(replays).where(replays.c.id == number).with_for_update())
        assert turn(postgres_log, number).event_ids == ()
    assert feed_all(postgres_log, number) == ["a"]


def test_feeding_a_replay_that_is_not_there_gives_nothing(log: EventLog) -> None:
    fed = turn(log, 99)
    assert (fed.event_ids, fed.looked_at, fed.finished) == ((), 0, True)
    with log.read() as connection:
        assert connection.execute(select(deliveries)).all() == []
