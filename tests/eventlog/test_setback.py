from datetime import timedelta

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.setback import bring_nearer
from eventlog.states import State
from eventlog.sweep import sweep
from tests.eventlog.rows import LONG, delivery_rows, event_row, make_event_due, seconds_until_due
from tests.eventlog.set_clock import SetClock
from tests.eventlog.stored import accept, an_event, replay, run

HOUR = timedelta(hours=1)
SLACK = 5


def test_what_waits_comes_at_its_time_after_the_clock_was_set_back(log: EventLog) -> None:
    accept(log, "retried", "queued", "replayed")
    run(log, "retried", {"h": State.WAITING, "other": State.DONE})
    run(log, "replayed", {"h": State.DONE})
    number = replay(log, "replayed", "h")
    clock = SetClock(log)
    clock.by = -HOUR
    assert bring_nearer(log, jump=HOUR) == 4
    for row, seconds in (
        (event_row(log, "retried"), 300),
        (delivery_rows(log, "retried")["h"], 300),
        (event_row(log, "queued"), 5),
        (delivery_rows(log, "replayed", replay=number)["h"], 5),
    ):
        assert seconds - SLACK < seconds_until_due(log, row) <= seconds + 1
    assert delivery_rows(log, "retried")["other"].due_at is None


def test_an_event_and_its_delivery_are_due_together(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"h": State.WAITING})
    clock = SetClock(log)
    clock.by = -HOUR
    bring_nearer(log, jump=HOUR)
    clock.by = -HOUR + timedelta(minutes=6)  # the retry was to come after five
    assert [one.event_id for one in sweep(log)] == ["evt_1"]
    (claimed,) = claim(log, Hold(lease=new_lease(), replay=0), ["evt_1"], duration=LONG)
    assert [prior.is_due for prior in claimed.prior] == [True]


def test_a_second_sweeper_that_saw_the_same_jump_changes_nothing(log: EventLog) -> None:
    accept(log, "retried", "queued")
    run(log, "retried", {"h": State.WAITING})
    SetClock(log).by = -HOUR
    assert bring_nearer(log, jump=HOUR) == 3
    assert bring_nearer(log, jump=HOUR) == 0


def test_leases_and_what_was_written_since_are_left_alone(log: EventLog) -> None:
    accept(log, "running", "fresh")
    claim(log, Hold(lease=new_lease(), replay=0), ["running"], duration=LONG)
    before = event_row(log, "running")
    SetClock(log).by = -HOUR
    make_event_due(log, "fresh", in_=LONG)
    fresh = event_row(log, "fresh")
    assert bring_nearer(log, jump=HOUR) == 0
    assert [event_row(log, "running"), event_row(log, "fresh")] == [before, fresh]


def test_a_large_backlog_is_brought_nearer_once_and_whole(log: EventLog) -> None:
    record(log, [an_event(f"evt_{number}") for number in range(2300)])
    SetClock(log).by = -HOUR
    make_event_due(log, "evt_5", in_=3 * HOUR)  # beyond the jump before and after
    assert bring_nearer(log, jump=HOUR) == 2300
    assert 7000 < seconds_until_due(log, event_row(log, "evt_5")) <= 7200
    assert all(
        -120 < seconds_until_due(log, event_row(log, f"evt_{number}")) <= 6 for number in (0, 999, 1000, 2299)
    )
