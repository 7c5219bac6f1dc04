"""Whether doctor tells of queues without workers, and of lines that a dead delivery holds."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from console.doctor.finding import Level
from console.doctor.lanes import check_lanes, check_lines, own_queues
from eventlog.database import EventLog
from eventlog.heartbeats import beat
from eventlog.states import State
from tests.eventlog.lane import HANDLER, Lane
from tests.eventlog.stored import opened


@pytest.fixture
def log(sqlite_url: str) -> Iterator[EventLog]:
    with closing(opened(sqlite_url)) as log:
        yield log


def test_a_queue_in_which_something_waits_and_nobody_works_is_a_problem(log: EventLog) -> None:
    beat(log, name="worker@here:1", kind="worker", queue="hooks")
    lane = Lane(log=log, queue="slow")
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    (finding,) = check_lanes(log)
    assert finding.level is Level.PROBLEM
    assert "2 deliveries wait in the queue 'slow', and no worker" in finding.message
    assert finding.todo == "run: hooks worker --queue slow (or hooks up, for all)"
    beat(log, name="worker@here:2", kind="worker", queue="slow")
    (finding,) = check_lanes(log)
    assert finding.level is Level.OK
    assert own_queues(log) == ["slow"]


def test_a_dead_delivery_that_holds_others_is_named_with_what_to_do(log: EventLog) -> None:
    lane = Lane(log=log, holds=True)
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    assert [finding.level for finding in check_lines(log)] == [Level.OK]
    _, (run,) = lane.claim("e1")
    lane.end(run, State.DEAD)
    (finding,) = check_lines(log)
    assert finding.level is Level.WARNING
    assert f"e1 {HANDLER}" in finding.message
    assert "hooks events resolve" in str(finding.todo)
