from eventlog.database import EventLog
from eventlog.states import State
from eventlog.sweep import sweep
from tests.eventlog.lane import Lane
from tests.eventlog.rows import make_delivery_due, make_event_due
from tests.eventlog.stored import accept, run


def test_the_retries_of_its_event_are_left_to_whoever_claims_the_event(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"plain": State.WAITING})
    make_event_due(log, "evt_1")
    sweep(log)
    lane = Lane(log=log, handler="slow", queue="slow", is_ordered=False)
    lane.hop("evt_1")
    make_delivery_due(log, "plain")
    claim, _ = lane.claim("evt_1")
    (claimed,) = claim.claimed
    assert {prior.handler: prior.is_due for prior in claimed.prior} == {"plain": False, "slow": True}
