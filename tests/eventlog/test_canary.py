"""A canary runs one delivery, then ten, then all, and stops when its failure comes back."""

import pytest
from sqlalchemy import select

from eventlog.canary import ALL, STAGES, Advance, Step, advance, stage_of
from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.last_run import LastRun
from eventlog.leases import claim, new_lease
from eventlog.replay_feed import feed
from eventlog.replays import Replay, ReplayState, cancel, create, read_outcomes, read_replay
from eventlog.selection import Selection
from eventlog.states import HELD_BACK, State
from eventlog.tables import deliveries
from tests.eventlog.feeding import choose, make_replay, turn
from tests.eventlog.repeating import BOOM, NEW, OTHER, ran
from tests.eventlog.rows import LONG, delivery_rows
from tests.eventlog.stored import accept

OF_BOOM = Selection(last_run=LastRun(fingerprint=BOOM))
H = {"h": ["*"]}


def dead(log: EventLog, number: int) -> list[str]:
    """Accept events that died of BOOM; gives their ids."""
    ids = [f"evt_{place}" for place in range(number)]
    accept(log, *ids)
    for event_id in ids:
        ran(log, event_id, State.DEAD)
    return ids


def canary(log: EventLog, selection: Selection = OF_BOOM) -> int:
    return create(log, selection=selection, handlers=H, canary=True, who="a test")


def of(log: EventLog, number: int) -> Replay:
    replay = read_replay(log, number)
    assert replay
    return replay


def go_on(log: EventLog, number: int, turn: int = 1000) -> tuple[Step, list[str]]:
    """Take one turn of a clock; gives what was done, and the ids of events to send jobs for."""
    step = advance(log, of(log, number)).step
    fed = feed(log, number, turn=turn, choose=choose) if step in (Step.FEED, Step.NEXT_STAGE) else None
    return step, [] if fed is None else list(fed.event_ids)


def well(log: EventLog, number: int, *ids: str) -> None:
    for event_id in ids:
        ran(log, event_id, State.DONE, version=NEW, replay=number)


def test_the_stages_are_one_ten_and_all(log: EventLog) -> None:
    ids = dead(log, 25)
    number = canary(log)
    assert go_on(log, number) == (Step.FEED, ids[:1])
    assert go_on(log, number) == (Step.WAIT, [])
    well(log, number, ids[0])
    assert go_on(log, number) == (Step.NEXT_STAGE, ids[1:11])
    well(log, number, *ids[1:10])
    assert go_on(log, number) == (Step.WAIT, [])
    well(log, number, ids[10])
    assert go_on(log, number) == (Step.NEXT_STAGE, ids[11:])
    assert (of(log, number).state, of(log, number).canary) == (ReplayState.RUNNING, ALL)
    assert go_on(log, number) == (Step.WAIT, [])
    well(log, number, *ids[11:])
    assert go_on(log, number) == (Step.END, [])
    replay = of(log, number)
    assert (replay.state, replay.fed, replay.events) == (ReplayState.DONE, 25, 25)
    assert replay.finished_at is not None


def test_a_stage_is_filled_by_as_many_turns_as_it_takes(log: EventLog) -> None:
    ids = dead(log, 12)
    number = canary(log)
    assert go_on(log, number)[1] == ids[:1]
    well(log, number, ids[0])
    fed = [go_on(log, number, turn=4) for _ in range(4)]
    assert [event_id for _, some in fed for event_id in some] == ids[1:11]
    assert [step for step, _ in fed] == [Step.NEXT_STAGE, Step.FEED, Step.FEED, Step.WAIT]


def test_a_small_replay_ends_with_the_stage_that_holds_all_of_it(log: EventLog) -> None:
    (only,) = dead(log, 1)
    number = canary(log)
    assert go_on(log, number) == (Step.FEED, [only])
    well(log, number, only)
    assert go_on(log, number) == (Step.END, [])
    assert (of(log, number).state, stage_of(of(log, number))) == (ReplayState.DONE, 1)


def test_one_that_finds_nothing_ends(log: EventLog) -> None:
    number = canary(log)
    assert go_on(log, number) == (Step.FEED, [])
    assert go_on(log, number) == (Step.END, [])


def test_it_stops_when_the_failure_comes_back_and_withdraws_the_rest(log: EventLog) -> None:
    ids = dead(log, 25)
    number = canary(log)
    go_on(log, number)
    well(log, number, ids[0])
    go_on(log, number)
    well(log, number, *ids[1:4])
    claim(log, Hold(lease=new_lease(), replay=number), [ids[9]], duration=LONG)
    ran(log, ids[4], State.DEAD, replay=number, message="still broken\nin many words")
    assert advance(log, of(log, number)) == Advance(
        step=Step.STOP, because="evt_4 failed again in h, at attempt 1: ValueError: still broken"
    )
    replay = of(log, number)
    assert (replay.state, stage_of(replay)) == (ReplayState.STOPPED, 2)
    assert replay.ended_because == "evt_4 failed again in h, at attempt 1: ValueError: still broken"
    assert replay.finished_at is not None
    outcomes = {State.DONE: 4, State.DEAD: 1, State.RUNNING: 1, State.SKIPPED: 5}
    assert read_outcomes(log, number) == outcomes
    assert delivery_rows(log, ids[5], replay=number)["h"].note == "its replay was stopped"
    assert turn(log, number).event_ids == ()
    # What was withdrawn was no run: it is still dead for the next try.
    following = canary(log)
    assert go_on(log, following) == (Step.FEED, [ids[4]])


def test_a_retry_is_a_comeback_too(log: EventLog) -> None:
    ids = dead(log, 5)
    number = canary(log)
    go_on(log, number)
    ran(log, ids[0], State.WAITING, replay=number)
    assert advance(log, of(log, number)).step is Step.STOP
    assert read_outcomes(log, number) == {State.SKIPPED: 1}


def test_a_retry_for_another_reason_is_waited_for(log: EventLog) -> None:
    ids = dead(log, 5)
    number = canary(log)
    go_on(log, number)
    ran(log, ids[0], State.WAITING, replay=number, fingerprint=OTHER)
    assert go_on(log, number) == (Step.WAIT, [])


def test_in_the_small_stages_it_stops_when_one_dies_otherwise(log: EventLog) -> None:
    ids = dead(log, 14)
    number = canary(log)
    go_on(log, number)
    ran(log, ids[0], State.DEAD, replay=number, fingerprint=OTHER)
    assert go_on(log, number)[0] is Step.STOP
    number = canary(log)
    assert go_on(log, number) == (Step.FEED, [ids[1]])
    well(log, number, ids[1])
    go_on(log, number)
    well(log, number, *ids[2:12])
    assert go_on(log, number) == (Step.NEXT_STAGE, ids[12:])
    ran(log, ids[12], State.DEAD, replay=number, fingerprint=OTHER)
    assert go_on(log, number) == (Step.WAIT, [])
    ran(log, ids[13], State.DEAD, replay=number, fingerprint=BOOM)
    assert go_on(log, number)[0] is Step.STOP


def test_without_a_fingerprint_any_failure_stops_it(log: EventLog) -> None:
    ids = dead(log, 14)
    number = canary(log, Selection())
    go_on(log, number)
    well(log, number, ids[0])
    go_on(log, number)
    well(log, number, *ids[1:11])
    go_on(log, number)
    ran(log, ids[12], State.WAITING, replay=number, fingerprint=OTHER)
    assert go_on(log, number)[0] is Step.STOP


@pytest.mark.parametrize("state", HELD_BACK)
def test_what_is_held_back_is_waited_for_and_withdrawn(log: EventLog, state: State) -> None:
    dead(log, 3)
    number = canary(log)
    go_on(log, number)
    with log.write() as connection:
        connection.execute(deliveries.update().where(deliveries.c.replay == number).values(state=state))
    assert go_on(log, number) == (Step.WAIT, [])
    assert cancel(log, number)
    assert read_outcomes(log, number) == {State.SKIPPED: 1}


def test_failures_of_other_runs_do_not_stop_it(log: EventLog) -> None:
    ids = dead(log, 3)
    other = make_replay(log, Selection(ids=(ids[2],)))
    turn(log, other)
    ran(log, ids[2], State.DEAD, replay=other)
    number = canary(log)
    go_on(log, number)
    well(log, number, ids[0])
    assert go_on(log, number) == (Step.NEXT_STAGE, ids[1:])


def test_a_stage_ends_in_the_middle_of_an_event_with_several_handlers(log: EventLog) -> None:
    accept(log, "a", "b")
    for event_id in ("a", "b"):
        ran(log, event_id, State.DONE, handler="other")
    handlers = {"one": ["*"], "two": ["*"]}
    number = create(log, selection=Selection(), handlers=handlers, canary=True, who="a test")
    assert go_on(log, number) == (Step.FEED, ["a"])
    assert (of(log, number).fed, of(log, number).events) == (1, 0)
    ran(log, "a", State.DONE, handler="one", replay=number)
    assert go_on(log, number) == (Step.NEXT_STAGE, ["a", "b"])
    assert (of(log, number).fed, of(log, number).events) == (4, 2)
    with log.read() as connection:
        rows = connection.execute(select(deliveries.c.handler).where(deliveries.c.replay == number))
        assert sorted(rows.scalars()) == ["one", "one", "two", "two"]


def test_a_replay_that_is_no_canary_is_in_no_stage(log: EventLog) -> None:
    assert stage_of(of(log, make_replay(log))) is None
    assert STAGES == (1, 11, ALL)


def test_two_clocks_stop_it_once(log: EventLog, second: EventLog) -> None:
    ids = dead(log, 3)
    number = canary(log)
    go_on(log, number)
    ran(log, ids[0], State.DEAD, replay=number)
    before = of(log, number)
    assert advance(log, before).step is Step.STOP
    assert advance(second, before).step is Step.LEAVE
