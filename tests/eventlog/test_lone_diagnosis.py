"""What doctor is told of deliveries in queues of their own."""

from dataclasses import replace

from eventlog.database import EventLog
from eventlog.lone_diagnosis import read_held_lines, read_lone_queues
from eventlog.states import State
from tests.eventlog.lane import HANDLER, Lane


def test_what_has_not_ended_is_counted_by_queue(log: EventLog) -> None:
    lane = Lane(log=log, queue="slow")
    assert read_lone_queues(log) == {}
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    other = replace(lane, queue="mail")
    other.arrive("e3", subject="a2")
    other.hop("e3")
    assert read_lone_queues(log) == {"mail": 1, "slow": 2}
    _, (run,) = lane.claim("e1")
    lane.end(run)
    assert read_lone_queues(log) == {"mail": 1, "slow": 1}


def test_a_dead_delivery_that_holds_others_is_named(log: EventLog) -> None:
    lane = Lane(log=log, holds=True)
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    _, (run,) = lane.claim("e1")
    assert read_held_lines(log).count == 0
    lane.end(run, State.DEAD)
    assert read_held_lines(log).first == (f"e1 {HANDLER}",)
