"""A replay's deliveries keep to their subject's order, whichever worker hands them on first."""

import pytest

from eventlog.database import EventLog
from eventlog.hand_on import HandedOn, hand_on
from eventlog.hold import Hold
from eventlog.leases import Claimed, claim, new_lease
from eventlog.replay_feed import feed
from eventlog.replays import create
from eventlog.selection import Selection
from tests.eventlog.lane import HANDLER, LONG, Lane


class Replaying:
    """A replay of events that an ordered handler has all done, and the workers that hand it on."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        lane.arrive("e1", "e2", "e3", subject="a1")
        lane.arrive("b1", subject="a2")
        lane.hop("e1", "e2", "e3", "b1")
        for event_id in ("e1", "e2", "e3", "b1"):
            (run,) = lane.claim(event_id)[1]
            lane.end(run)
        self.number = create(lane.log, selection=Selection(), handlers={HANDLER: ["agent.*"]}, who="me")
        feed(lane.log, self.number, turn=10, choose=lambda handlers, _type: list(handlers))

    def claim(self, *ids: str) -> tuple[str, list[Claimed]]:
        lease = new_lease()
        return lease, claim(self.lane.log, Hold(lease=lease, replay=self.number), ids, duration=LONG)

    def hand_on(self, lease: str, claimed: list[Claimed]) -> HandedOn:
        placements = [self.lane.placement(one) for one in claimed]
        return hand_on(self.lane.log, Hold(lease=lease, replay=self.number), placements)

    def run(self, *ids: str) -> list[str]:
        _, runs = self.lane.claim(*ids, replay=self.number)
        for run in runs:
            self.lane.end(run)
        return [run.claimed.event.id for run in runs]

    def run_all(self) -> list[str]:
        """Run what may run until nothing is left; gives the order."""
        ran: list[str] = []
        while now := self.run("e3", "e2", "e1", "b1"):
            ran += now
        return ran


@pytest.fixture
def replaying(log: EventLog) -> Replaying:
    return Replaying(Lane(log=log))


def test_an_earlier_event_whose_job_no_worker_has_taken_yet_is_not_overtaken(replaying: Replaying) -> None:
    handed = replaying.hand_on(*replaying.claim("e3"))
    assert [woken.event_id for woken in handed.woken] == ["e1"]
    assert replaying.run("e3") == []
    assert replaying.claim("e1", "e2")[1] == []
    assert replaying.run_all() == ["e1", "e2", "e3"]
    assert replaying.lane.standing() == []


def test_an_earlier_event_that_another_worker_is_about_to_hand_on_is_not_overtaken(
    replaying: Replaying,
) -> None:
    lease, claimed = replaying.claim("e1", "e2", "b1")
    replaying.hand_on(*replaying.claim("e3"))
    assert replaying.run("e3") == []
    handed = replaying.hand_on(lease, claimed)
    # The other worker finds its own in line already, and hands on the rest.
    assert [woken.event_id for woken in handed.woken] == ["b1"]
    assert replaying.run_all() == ["e1", "b1", "e2", "e3"]
