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
