from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import psycopg
import pytest
from sqlalchemy import Row

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.leases import claim, hand_back, new_lease, renew
from eventlog.replay_feed import feed
from eventlog.replays import create
from eventlog.selection import Selection
from eventlog.states import REQUEUE_GRACE, State
from eventlog.sweep import sweep
from tests.eventlog.rows import (
    LONG,
    delivery_rows,
    event_row,
    make_delivery_due,
    make_event_due,
    seconds_until_due,
)
from tests.eventlog.stored import accept, an_event, replay, run


def claimed_ids(log: EventLog, *ids: str, replay: int = 0, lease: str | None = None) -> list[str]:
    found = claim(log, Hold(lease=lease or new_lease(), replay=replay), ids, duration=LONG)
    return [claimed.event.id for claimed in found]


def test_what_is_claimed_comes_whole_and_in_order_of_arrival(log: EventLog) -> None:
    sent = [
        an_event(event_id, subject=f"s-{event_id}", body=b"\x00\xff" + event_id.encode())
        for event_id in "cab"
    ]
    for event in sent:
        record(log, [event])
    found = claim(log, Hold(lease=new_lease(), replay=0), ["a", "b", "c"], duration=LONG)
    assert [claimed.event for claimed in found] == sent
    assert [claimed.prior for claimed in found] == [(), (), ()]
    assert [claimed.seq for claimed in found] == [event_row(log, event_id).seq for event_id in "cab"]


def test_a_claim_brings_the_first_body_of_an_event_that_has_several(log: EventLog) -> None:
    for body in (b"b", b"a", b"c"):
        record(log, [an_event("evt_1", body=body)])
    (claimed,) = claim(log, Hold(lease=new_lease(), replay=0), ["evt_1"], duration=LONG)
    assert claimed.event.body == b"b"


def test_a_claim_marks_its_events_until_the_lease_ends(log: EventLog) -> None:
    accept(log, "evt_1", "evt_2")
    lease = new_lease()
    claim(log, Hold(lease=lease, replay=0), ["evt_1"], duration=LONG)
    row = event_row(log, "evt_1")
    assert (row.state, row.lease) == (State.RUNNING, lease)
    assert LONG.total_seconds() - 5 < seconds_until_due(log, row) <= LONG.total_seconds()
    assert (event_row(log, "evt_2").state, event_row(log, "evt_2").lease) == (State.QUEUED, None)


def test_only_what_is_queued_can_be_claimed(log: EventLog) -> None:
    accept(log, "queued", "running", "done", "dead", "waiting", "unasked")
    claimed_ids(log, "running")
    run(log, "done", {"h": State.DONE})
    run(log, "dead", {"h": State.DEAD})
    run(log, "waiting", {"h": State.WAITING})
    assert claimed_ids(log, "queued", "running", "done", "dead", "waiting", "unknown") == ["queued"]
    assert claimed_ids(log) == []
    assert event_row(log, "unasked").state == State.QUEUED


def test_of_two_claims_of_one_event_one_wins(log: EventLog, second: EventLog) -> None:
    ids = [f"evt_{number}" for number in range(20)]
    record(log, [an_event(event_id) for event_id in ids])
    start = Barrier(8)

    def take(number: int) -> list[str]:
        start.wait()
        return claimed_ids((log, second)[number % 2], *(ids if number % 3 else ids[::-1]))

    with ThreadPoolExecutor(8) as threads:
        taken = [event_id for found in threads.map(take, range(8)) for event_id in found]
    assert sorted(taken) == sorted(ids)


def test_a_row_that_somebody_holds_does_not_keep_the_others_from_their_claim(
    postgres_log: EventLog, postgres_url: str
) -> None:
    accept(postgres_log, "evt_1", "evt_2", "evt_3")
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT FROM events WHERE id = 'evt_2' FOR UPDATE")
        assert claimed_ids(postgres_log, "evt_1", "evt_2", "evt_3") == ["evt_1", "evt_3"]
    assert claimed_ids(postgres_log, "evt_1", "evt_2", "evt_3") == ["evt_2"]


def test_a_retry_is_claimed_with_what_earlier_attempts_left(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"good": State.DONE, "due": State.WAITING, "later": State.WAITING, "bad": State.DEAD})
    make_delivery_due(log, "due")
    assert claimed_ids(log, "evt_1") == []
    make_event_due(log, "evt_1")
    assert [swept.was for swept in sweep(log)] == [State.WAITING]
    (claimed,) = claim(log, Hold(lease=new_lease(), replay=0), ["evt_1"], duration=LONG)
    assert {prior.handler: (prior.state, prior.is_due) for prior in claimed.prior} == {
        "good": (State.DONE, False),
        "due": (State.WAITING, True),
        "later": (State.WAITING, False),
        "bad": (State.DEAD, False),
    }
    assert {prior.handler: (prior.attempts, prior.failures) for prior in claimed.prior} == {
        "good": (1, 0),
        "due": (1, 0),
        "later": (1, 0),
        "bad": (1, 1),
    }


def test_a_replay_is_claimed_apart_from_its_event(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"h": State.DONE, "other": State.DEAD})
    number = replay(log, "evt_1", "h")
    lease = new_lease()
    (claimed,) = claim(log, Hold(lease=lease, replay=number), ["evt_1"], duration=LONG)
    (prior,) = claimed.prior
    assert (prior.handler, prior.state, prior.attempts, prior.is_due) == ("h", State.RUNNING, 0, True)
    assert claimed.event.id == "evt_1"
    assert (event_row(log, "evt_1").state, event_row(log, "evt_1").lease) == (State.DEAD, None)
    row = delivery_rows(log, "evt_1", replay=number)["h"]
    assert (row.state, row.lease) == (State.RUNNING, lease)
    assert claimed_ids(log, "evt_1", replay=number) == []
    assert claimed_ids(log, "evt_1") == []


def test_a_claim_in_a_replay_leaves_a_due_retry_beside_it_to_whoever_claims_that(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"h": State.DONE, "other": State.DONE})
    number = create(log, selection=Selection(), handlers={"h": ["*"], "other": ["*"]}, who="a test")
    feed(log, number, turn=10, choose=lambda handlers, _: list(handlers))
    run(log, "evt_1", {"other": State.WAITING}, in_replay=number)  # and h was cut off
    make_delivery_due(log, "h")
    sweep(log)
    make_delivery_due(log, "other")
    (claimed,) = claim(log, Hold(lease=new_lease(), replay=number), ["evt_1"], duration=LONG)
    assert {prior.handler: prior.is_due for prior in claimed.prior} == {"h": True, "other": False}


@pytest.fixture(params=["original run", "replay"])
def run_number(request: pytest.FixtureRequest, log: EventLog) -> int:
    """Return the number of a run in which the events a, b and c are queued: the original one, or a replay."""
    accept(log, "a", "b", "c")
    if request.param == "original run":
        return 0
    for event_id in "abc":
        run(log, event_id, {"h": State.DONE})
    number = create(log, selection=Selection(), handlers={"h": ["*"]}, who="a test")
    feed(log, number, turn=10, choose=lambda handlers, _: list(handlers))
    return number


def held(log: EventLog, event_id: str, run_number: int) -> Row[Any]:
    """Return the row that a lease holds: of the event, or of its delivery in a replay."""
    if run_number == 0:
        return event_row(log, event_id)
    return delivery_rows(log, event_id, replay=run_number)["h"]


def test_renewing_a_lease_puts_off_its_end(log: EventLog, run_number: int) -> None:
    lease, other = new_lease(), new_lease()
    claim(log, Hold(lease=lease, replay=run_number), ["a", "b"], duration=timedelta(0))
    claim(log, Hold(lease=other, replay=run_number), ["c"], duration=timedelta(0))
    renew(log, Hold(lease=lease, replay=run_number), duration=LONG)
    for event_id in "ab":
        assert seconds_until_due(log, held(log, event_id, run_number)) > LONG.total_seconds() - 5
    assert seconds_until_due(log, held(log, "c", run_number)) <= 0
    assert [swept.event_id for swept in sweep(log)] == ["c"]


def test_what_is_handed_back_can_be_claimed_at_once(log: EventLog, run_number: int) -> None:
    lease = new_lease()
    claim(log, Hold(lease=lease, replay=run_number), ["a", "b", "c"], duration=LONG)
    part = [event_row(log, event_id).seq for event_id in "cb"]
    assert hand_back(log, Hold(lease=lease, replay=run_number), seqs=part) == ["b", "c"]
    for event_id, state, holder in (("a", "running", lease), ("b", "queued", None), ("c", "queued", None)):
        row = held(log, event_id, run_number)
        assert (row.state, row.lease) == (state, holder)
    grace = REQUEUE_GRACE.total_seconds()
    assert grace - 4 < seconds_until_due(log, held(log, "b", run_number)) <= grace
    assert claimed_ids(log, "a", "b", "c", replay=run_number) == ["b", "c"]
    assert hand_back(log, Hold(lease=lease, replay=run_number)) == ["a"]
    assert hand_back(log, Hold(lease=lease, replay=run_number)) == []


def test_nothing_is_handed_back_when_nothing_is_named(log: EventLog, run_number: int) -> None:
    lease = new_lease()
    claim(log, Hold(lease=lease, replay=run_number), ["a"], duration=LONG)
    assert hand_back(log, Hold(lease=lease, replay=run_number), seqs=[]) == []
    assert held(log, "a", run_number).lease == lease


def test_a_lost_lease_renews_and_hands_back_nothing(log: EventLog, run_number: int) -> None:
    lost, now = new_lease(), new_lease()
    claim(log, Hold(lease=lost, replay=run_number), ["a"], duration=timedelta(0))
    assert [swept.event_id for swept in sweep(log) if swept.was is State.RUNNING] == ["a"]
    queued = held(log, "a", run_number)
    renew(log, Hold(lease=lost, replay=run_number), duration=LONG)
    assert hand_back(log, Hold(lease=lost, replay=run_number)) == []
    assert held(log, "a", run_number) == queued
    claim(log, Hold(lease=now, replay=run_number), ["a"], duration=timedelta(minutes=1))
    running = held(log, "a", run_number)
    renew(log, Hold(lease=lost, replay=run_number), duration=LONG)
    assert hand_back(log, Hold(lease=lost, replay=run_number)) == []
    assert held(log, "a", run_number) == running


def test_leases_are_never_the_same() -> None:
    assert len({new_lease() for _ in range(1000)}) == 1000
