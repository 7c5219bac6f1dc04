"""The statements of an event's path are compiled once: compiling one takes longer than running it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import event

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.effects import StepsOnRecord
from eventlog.heartbeats import beat
from eventlog.held_leases import read_held_leases
from eventlog.hold import Hold
from eventlog.leases import claim, hand_back, new_lease, renew
from eventlog.outcome import Closing, Result
from eventlog.settlement import settle
from eventlog.states import State
from eventlog.sweep import sweep
from tests.eventlog.lane import Lane
from tests.eventlog.stored import an_event

LEASE = timedelta(seconds=30)


def run_one(log: EventLog, event_id: str) -> None:
    record(log, [an_event(event_id)])
    record(log, [an_event(event_id)])
    lease = new_lease()
    claim(log, Hold(lease=lease, replay=0), [event_id], duration=LEASE)
    hand_back(log, Hold(lease=lease, replay=0))
    (claimed,) = claim(log, Hold(lease=lease, replay=0), [event_id], duration=LEASE)
    renew(log, Hold(lease=lease, replay=0), duration=LEASE)
    steps = StepsOnRecord(log=log, seq=claimed.seq, handler="h", replay=0, lease=lease)
    steps.find("k")
    steps.record("k", event_id)
    result = Result(
        seq=claimed.seq,
        handler="h",
        attempt=1,
        failures=0,
        state=State.DONE,
        started_at=datetime.now(UTC),
        duration=timedelta(0),
    )
    closing = Closing(seq=claimed.seq, event_id=event_id, state=State.DONE)
    settle(log, Hold(lease=lease, replay=0), results=[result], closings=[closing])
    beat(log, name="worker", kind="worker")
    read_held_leases(log)
    sweep(log)


def test_no_statement_is_compiled_again(log: EventLog) -> None:
    run_one(log, "evt_1")
    compiled: Counter[str] = Counter()
    hits: Counter[str] = Counter()

    @event.listens_for(log._engine, "after_cursor_execute")
    def count(_connection, _cursor, statement, _parameters, context, _many) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        if context.compiled:
            hit = context.cache_hit.name == "CACHE_HIT"
            (hits if hit else compiled)[statement] += 1

    run_one(log, "evt_2")
    assert compiled == {}
    assert hits.total() > 10


def test_no_statement_of_a_second_hop_is_built_for_each_subject(log: EventLog) -> None:
    lane = Lane(log=log)
    ids = [f"evt_{number}" for number in range(20)]
    for event_id in ids:
        lane.arrive(event_id, subject=f"agent of {event_id}")
    used: list[object] = []

    @event.listens_for(log._engine, "before_execute")
    def note(_connection, statement, *_) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002
        if not any(each is statement for each in used):
            used.append(statement)

    lane.hop(*ids[:2])
    for_two = len(used)
    used.clear()
    lane.hop(*ids[2:])
    assert len(used) == for_two
