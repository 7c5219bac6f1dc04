"""What nobody would wake is queued by the clock, within a minute."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import update

from eventlog.database import EventLog
from eventlog.states import State
from eventlog.tables import deliveries
from tests.eventlog.lane import Lane
from tests.eventlog.stored import opened
from workers.lone_watch import LoneWatch


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    with closing(opened(database_url)) as log:
        yield log


@pytest.mark.parametrize("state", [State.PARKED, State.THROTTLED])
def test_what_waits_for_nobody_is_queued_after_a_minute(log: EventLog, state: State) -> None:
    lane = Lane(log=log)
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    with log.write() as connection:
        connection.execute(
            update(deliveries).where(deliveries.c.state == State.QUEUED).values(state=state, due_at=None)
        )
    watch = LoneWatch(log)
    for now in (100.0, 159.0):
        watch.look(now)
    assert lane.states() == {"e1": state, "e2": "parked"}
    watch.look(161.0)
    assert lane.states() == {"e1": "queued", "e2": "parked"}


def test_what_has_ended_and_stands_in_line_leaves_it_and_those_behind_go_on(log: EventLog) -> None:
    lane = Lane(log=log)
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    with log.write() as connection:
        connection.execute(
            update(deliveries).where(deliveries.c.state == State.QUEUED).values(state=State.DONE)
        )
    watch = LoneWatch(log)
    watch.look(0.0)
    watch.look(61.0)
    assert lane.states() == {"e1": "done", "e2": "queued"}


def test_what_is_held_for_good_hides_nothing_that_sorts_behind_it(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.lone_watch._ROWS", 3)
    held, forgotten = Lane(log=log, handler="a"), Lane(log=log, handler="z")
    ids = [f"e{number}" for number in range(10)]
    held.arrive(*ids)
    held.hop(*ids)
    forgotten.arrive("lost", subject="a2")
    forgotten.hop("lost")
    with log.write() as connection:
        queued = update(deliveries).where(deliveries.c.state == State.QUEUED)
        connection.execute(queued.where(deliveries.c.handler == "a").values(state=State.DEAD))
        connection.execute(queued.where(deliveries.c.handler == "z").values(state=State.PARKED, due_at=None))
    watch = LoneWatch(log)
    for minute in range(6):
        watch.look(61.0 * minute)
    assert forgotten.states() == {"lost": "queued"}
    assert set(held.states().values()) == {"dead", "parked"}
    with log.write() as connection:
        connection.execute(queued.where(deliveries.c.handler == "z").values(state=State.DONE, line=None))
        connection.execute(
            update(deliveries).where(deliveries.c.state == State.DEAD).values(state=State.DONE, line=None)
        )
    for minute in range(6, 9):  # from the start again
        watch.look(61.0 * minute)
    assert held.states()["e1"] == "queued"
