"""A handler's concurrency and rate hold over all who claim, and those set aside come back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from eventlog.database import EventLog
from eventlog.limits import Limit
from eventlog.lone_sweep import look_for_due
from eventlog.states import State
from eventlog.tables import deliveries, starts
from tests.eventlog.lane import HANDLER, Lane

TWO_AT_A_TIME = Limit(concurrency=2)
THREE_AN_HOUR = Limit(starts=3, period=timedelta(hours=1))


def lane_of(log: EventLog, limit: Limit) -> Lane:
    lane = Lane(log=log, is_ordered=False, limits={HANDLER: limit}, is_limited=limit.concurrency is not None)
    ids = [f"e{number}" for number in range(1, 6)]
    lane.arrive(*ids)
    lane.hop(*ids)
    return lane


def counted(lane: Lane) -> Mapping[str, int]:
    states = list(lane.states().values())
    return {state: states.count(state) for state in dict.fromkeys(states)}


def test_a_claim_takes_one_and_names_the_others_that_there_is_room_for(log: EventLog) -> None:
    lane = lane_of(log, TWO_AT_A_TIME)
    claim, runs = lane.claim("e1", "e2", "e3", "e4", "e5")
    assert [run.claimed.event.id for run in runs] == ["e1"]
    assert claim.others == ("e2",)
    assert counted(lane) == {"running": 1, "queued": 1, "throttled": 3}


def test_no_more_run_at_one_time_than_may(log: EventLog) -> None:
    lane = lane_of(log, TWO_AT_A_TIME)
    for _ in range(2):
        lane.claim("e1", "e2", "e3", "e4", "e5")
    assert lane.claim("e1", "e2", "e3", "e4", "e5")[1] == []
    assert counted(lane) == {"running": 2, "throttled": 3}


@pytest.mark.parametrize("state", [State.DONE, State.WAITING, State.DEAD])
def test_one_that_ends_lets_another_in(log: EventLog, state: State) -> None:
    lane = lane_of(log, TWO_AT_A_TIME)
    first, second = (lane.claim("e1", "e2", "e3", "e4", "e5")[1][0] for _ in range(2))
    lane.jobs.clear()
    lane.end(first, state, retry_in=timedelta(hours=1))
    assert [job.event_id for job in lane.jobs] == ["e3"]
    assert lane.states()["e3"] == "queued"
    (third,) = lane.claim("e3")[1]
    assert third.claimed.event.id == "e3"
    lane.end(second)
    assert lane.states()["e4"] == "queued"


def test_what_a_killed_worker_had_counts_no_more(log: EventLog) -> None:
    lane = lane_of(log, TWO_AT_A_TIME)
    for _ in range(2):
        lane.claim("e1", "e2", "e3", "e4", "e5")
    assert sorted(lane.sweep()) == ["e1", "e2"]
    assert lane.claim("e1", "e2")[1] != []


def test_a_raised_limit_lets_those_in_that_wait(log: EventLog) -> None:
    lane = lane_of(log, TWO_AT_A_TIME)
    lane.claim("e1", "e2", "e3", "e4", "e5")
    lane.limits = {HANDLER: Limit(concurrency=5)}
    lane.jobs.clear()
    lane.claim("e2")
    assert sorted(job.event_id for job in lane.jobs) == ["e3", "e4", "e5"]
    assert counted(lane) == {"running": 2, "queued": 3}


def test_no_more_begin_in_a_period_than_may(log: EventLog) -> None:
    lane = lane_of(log, THREE_AN_HOUR)
    taken = [lane.claim("e1", "e2", "e3", "e4", "e5")[1] for _ in range(5)]
    assert [len(runs) for runs in taken] == [1, 1, 1, 0, 0]
    for runs in taken[:3]:
        lane.end(runs[0])
    assert lane.claim("e4", "e5")[1] == []
    assert counted(lane) == {"done": 3, "throttled": 2}


def test_who_is_held_back_by_the_rate_is_due_when_the_period_allows_it(log: EventLog) -> None:
    lane = lane_of(log, THREE_AN_HOUR)
    for _ in range(4):
        lane.claim("e1", "e2", "e3", "e4", "e5")
    with log.read() as connection:
        due = connection.execute(
            select(deliveries.c.due_at).where(deliveries.c.state == State.THROTTLED).order_by(deliveries.c.id)
        ).scalars()
        began = connection.execute(select(starts.c.started_at).order_by(starts.c.started_at)).scalars()
        for at, start in zip(due, list(began)[:2], strict=True):
            assert timedelta(minutes=59) < at - start <= timedelta(hours=1)
    soon = look_for_due(log).next_throttled_in
    assert soon is not None
    assert timedelta(minutes=59) < soon <= timedelta(hours=1)


def test_after_the_period_the_next_may_begin(log: EventLog) -> None:
    lane = lane_of(log, THREE_AN_HOUR)
    for _ in range(4):
        lane.claim("e1", "e2", "e3", "e4", "e5")
    past = datetime.now(UTC) - timedelta(hours=1, seconds=1)
    with log.write() as connection:
        connection.execute(update(starts).values(started_at=past))
        connection.execute(
            update(deliveries).where(deliveries.c.state == State.THROTTLED).values(due_at=past)
        )
    assert look_for_due(log).next_throttled_in == timedelta(0)
    lane.sweep()
    assert len(lane.claim("e4", "e5")[1]) == 1


def test_a_handler_without_limits_is_claimed_with_others_at_once(log: EventLog) -> None:
    lane = lane_of(log, TWO_AT_A_TIME)
    lane.limits = {}
    assert len(lane.claim("e1", "e2", "e3", "e4", "e5")[1]) == 5
