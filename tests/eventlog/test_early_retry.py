"""Waiting retries brought forward: they are swept at once, and nothing else is touched."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import update

from eventlog.database import EventLog
from eventlog.early_retry import bring_forward
from eventlog.hold import Hold
from eventlog.instant import database_now_plus
from eventlog.leases import claim, new_lease
from eventlog.outcome import Closing
from eventlog.settlement import settle
from eventlog.states import State
from eventlog.sweep import sweep
from eventlog.tables import deliveries
from tests.eventlog.collisions import in_the_background, is_held_up
from tests.eventlog.reconciliation.living import a_result
from tests.eventlog.rows import delivery_rows, event_row, make_delivery_due, make_event_due, seconds_until_due
from tests.eventlog.stored import accept, opened, replay, run
from tests.servers.waiting import wait_until

LEASE = timedelta(seconds=30)
HOUR = timedelta(hours=1)


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    with closing(opened(database_url)) as log:
        yield log


def waiting(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"good": State.DONE, "bad": State.WAITING, "worse": State.WAITING})


def brought(log: EventLog, handler: str | None = None) -> list[tuple[str, int]]:
    done = bring_forward(log, "evt_1", handler=handler)
    assert done is not None
    return [(each.handler, each.replay) for each in done.event.deliveries if each.id in done.ids]


def test_what_waits_is_swept_at_once(log: EventLog) -> None:
    waiting(log)
    assert sweep(log) == []
    assert brought(log) == [("bad", 0), ("worse", 0)]
    (swept,) = sweep(log)
    assert (swept.event_id, swept.replay, swept.was) == ("evt_1", 0, State.WAITING)
    (claimed,) = claim(log, Hold(lease=new_lease(), replay=0), ["evt_1"], duration=LEASE)
    assert {prior.handler for prior in claimed.prior if prior.is_due} == {"bad", "worse"}


def test_only_the_handler_that_is_named_is_brought_forward(log: EventLog) -> None:
    waiting(log)
    assert brought(log, "bad") == [("bad", 0)]
    assert len(sweep(log)) == 1
    (claimed,) = claim(log, Hold(lease=new_lease(), replay=0), ["evt_1"], duration=LEASE)
    assert {prior.handler for prior in claimed.prior if prior.is_due} == {"bad"}
    assert seconds_until_due(log, delivery_rows(log, "evt_1")["worse"]) > 200


def test_a_second_time_there_is_nothing_left_to_do(log: EventLog) -> None:
    waiting(log)
    brought(log)
    before = delivery_rows(log, "evt_1")
    assert brought(log) == []
    assert delivery_rows(log, "evt_1") == before


def test_the_retry_of_a_replay_is_brought_forward_and_its_event_left_alone(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"bad": State.DONE})
    number = replay(log, "evt_1", "bad")
    run(log, "evt_1", {"bad": State.WAITING}, in_replay=number)
    event = event_row(log, "evt_1")
    assert brought(log) == [("bad", number)]
    (swept,) = sweep(log)
    assert (swept.event_id, swept.replay) == ("evt_1", number)
    assert event_row(log, "evt_1") == event


def test_a_delivery_with_a_queue_of_its_own_is_due_by_itself(log: EventLog) -> None:
    waiting(log)
    with log.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.handler == "bad").values(queue="slow"))
    event = event_row(log, "evt_1")
    assert brought(log, "bad") == [("bad", 0)]
    assert event_row(log, "evt_1") == event
    assert seconds_until_due(log, delivery_rows(log, "evt_1")["bad"]) <= 0


@pytest.mark.parametrize("event_state", [State.QUEUED, State.RUNNING])
def test_what_is_queued_or_runs_is_told_and_left_alone(log: EventLog, event_state: State) -> None:
    waiting(log)
    make_delivery_due(log, "bad")
    make_event_due(log, "evt_1")
    sweep(log)
    if event_state is State.RUNNING:
        claim(log, Hold(lease=new_lease(), replay=0), ["evt_1"], duration=LEASE)
    event = event_row(log, "evt_1")
    done = bring_forward(log, "evt_1", handler="bad")
    assert done is not None
    assert [each.state for each in done.event.deliveries] == [event_state]
    assert done.ids == frozenset()
    assert event_row(log, "evt_1") == event


def test_one_that_waits_while_its_event_runs_for_another_follows_when_that_is_over(log: EventLog) -> None:
    waiting(log)
    make_delivery_due(log, "bad")
    make_event_due(log, "evt_1")
    sweep(log)
    hold = Hold(lease=new_lease(), replay=0)
    (claimed,) = claim(log, hold, ["evt_1"], duration=LEASE)
    event = event_row(log, "evt_1")
    assert brought(log) == [("worse", 0)]
    assert event_row(log, "evt_1") == event
    result = a_result(claimed.seq, "bad", State.DONE, attempt=2)
    closing_ = Closing(seq=claimed.seq, event_id="evt_1", state=State.WAITING)
    assert settle(log, hold, results=[result], closings=[closing_]) == set()
    assert [swept.event_id for swept in sweep(log)] == ["evt_1"]


@pytest.mark.parametrize(
    "state", [State.DONE, State.DEAD, State.SKIPPED, State.PARKED, State.THROTTLED, State.RESOLVED]
)
def test_what_does_not_wait_stays_as_it_is(log: EventLog, state: State) -> None:
    waiting(log)
    with log.write() as connection:
        connection.execute(update(deliveries).values(state=state, due_at=database_now_plus(HOUR)))
    before = delivery_rows(log, "evt_1")
    assert brought(log) == []
    assert delivery_rows(log, "evt_1") == before


def test_an_unknown_event_is_none(log: EventLog) -> None:
    assert bring_forward(log, "evt_x") is None


def test_a_worker_that_settles_at_the_same_time_is_not_overwritten(postgres_url: str) -> None:
    with closing(opened(postgres_url)) as log:
        waiting(log)
        with log.write() as connection:
            settled = (
                update(deliveries)
                .where(deliveries.c.handler == "bad")
                .values(state=State.DONE, due_at=None, queue="slow")
            )
            connection.execute(settled)
            with in_the_background(lambda: brought(log)) as told:
                wait_until(lambda: is_held_up(log))
                connection.commit()
        assert told() == [("worse", 0)]
        row = delivery_rows(log, "evt_1")["bad"]
        assert (row.state, row.due_at) == (State.DONE, None)
