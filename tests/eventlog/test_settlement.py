from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace
from sqlalchemy import func, select
from structlog.testing import capture_logs

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.leases import Claimed, claim, new_lease
from eventlog.outcome import Closing, Failure, Result
from eventlog.settlement import settle
from eventlog.states import State
from eventlog.sweep import sweep
from eventlog.tables import deliveries
from tests.eventlog.feeding import feed_all, make_replay
from tests.eventlog.rows import (
    LONG,
    delivery_rows,
    event_row,
    failure_rows,
    make_delivery_due,
    make_event_due,
    seconds_until_due,
)
from tests.eventlog.stored import accept, an_event, replay, run

STARTED = datetime(2026, 1, 30, 12, tzinfo=UTC)
FAILURE = Failure(
    error_type="ValueError", message="no 'é' \N{SNOWMAN}", traceback="Traceback:\n  ...", fingerprint="f1"
)


def claimed(log: EventLog, *ids: str, lease: str, replay: int = 0) -> list[Claimed]:
    return claim(log, Hold(lease=lease, replay=replay), ids, duration=LONG)


def result(
    claimed: Claimed,
    handler: str,
    state: State,
    *,
    attempt: int = 1,
    failures: int = 0,
    retry_in: timedelta | None = None,
    failure: Failure | None = None,
    note: str | None = None,
) -> Result:
    return Result(
        seq=claimed.seq,
        handler=handler,
        attempt=attempt,
        failures=failures,
        state=state,
        started_at=STARTED,
        duration=timedelta(milliseconds=1, microseconds=500),
        retry_in=retry_in,
        version="abc",
        note=note,
        failure=failure,
    )


def closing(claimed: Claimed, state: State) -> Closing:
    return Closing(seq=claimed.seq, event_id=claimed.event.id, state=state)


def states(log: EventLog, event_id: str, *, replay: int = 0) -> dict[str, str]:
    return {name: row.state for name, row in delivery_rows(log, event_id, replay=replay).items()}


def test_each_outcome_is_kept_on_a_row_of_its_own(log: EventLog) -> None:
    accept(log, "evt_1")
    lease = new_lease()
    (event,) = claimed(log, "evt_1", lease=lease)
    results = [
        result(event, "good", State.DONE),
        result(event, "bad", State.DEAD, failures=1, failure=FAILURE),
        result(event, "later", State.WAITING, failures=1, retry_in=LONG, failure=FAILURE),
        result(event, "not for me", State.SKIPPED, note="nothing to do"),
    ]
    closings = [closing(event, State.WAITING)]
    assert settle(log, Hold(lease=lease, replay=0), results=results, closings=closings) == set()
    rows = delivery_rows(log, "evt_1")
    assert {name: (row.state, row.attempts, row.failures, row.note) for name, row in rows.items()} == {
        "good": ("done", 1, 0, None),
        "bad": ("dead", 1, 1, None),
        "later": ("waiting", 1, 1, None),
        "not for me": ("skipped", 1, 0, "nothing to do"),
    }
    for row in rows.values():
        assert (row.started_at, row.duration_us, row.version, row.lease) == (STARTED, 1500, "abc", None)
    assert [name for name, row in rows.items() if row.due_at is not None] == ["later"]
    assert 0 <= LONG.total_seconds() - seconds_until_due(log, rows["later"]) < 5


def test_a_failure_is_kept_with_its_traceback(log: EventLog) -> None:
    accept(log, "evt_1")
    lease = new_lease()
    (event,) = claimed(log, "evt_1", lease=lease)
    results = [
        result(event, "good", State.DONE),
        result(event, "bad", State.DEAD, attempt=3, failure=FAILURE),
    ]
    settle(log, Hold(lease=lease, replay=0), results=results)
    (row,) = failure_rows(log, "evt_1")
    assert (row.handler, row.replay, row.attempt) == ("bad", 0, 3)
    assert row.failed_at == STARTED + timedelta(milliseconds=1, microseconds=500)
    assert (row.error_type, row.message) == (FAILURE.error_type, FAILURE.message)
    assert (row.traceback, row.fingerprint) == (FAILURE.traceback, FAILURE.fingerprint)


def test_outcomes_may_be_settled_before_their_event_is_closed(log: EventLog) -> None:
    accept(log, "evt_1")
    lease = new_lease()
    (event,) = claimed(log, "evt_1", lease=lease)
    assert settle(log, Hold(lease=lease, replay=0), results=[result(event, "first", State.DONE)]) == set()
    assert (event_row(log, "evt_1").state, event_row(log, "evt_1").lease) == (State.RUNNING, lease)
    results, closings = [result(event, "second", State.DONE)], [closing(event, State.DONE)]
    assert settle(log, Hold(lease=lease, replay=0), results=results, closings=closings) == set()
    assert states(log, "evt_1") == {"first": "done", "second": "done"}
    row = event_row(log, "evt_1")
    assert (row.state, row.lease, row.due_at) == (State.DONE, None, None)


def test_events_are_closed_each_in_its_own_state(log: EventLog) -> None:
    accept(log, "a", "b", "c", "d")
    lease = new_lease()
    events = claimed(log, *"abcd", lease=lease)
    ends = (State.UNHANDLED, State.DONE, State.DEAD)
    settle(
        log,
        Hold(lease=lease, replay=0),
        results=[],
        closings=[closing(event, state) for event, state in zip(events, ends, strict=False)],
    )
    assert [event_row(log, event_id).state for event_id in "abcd"] == [*ends, State.RUNNING]
    assert [event_row(log, event_id).due_at is None for event_id in "abcd"] == [True, True, True, False]


def test_a_waiting_event_is_due_with_the_earliest_of_its_waiting_deliveries(log: EventLog) -> None:
    accept(log, "evt_1", "evt_2")
    lease = new_lease()
    event, other = claimed(log, "evt_1", "evt_2", lease=lease)
    results = [
        result(event, "hours", State.WAITING, retry_in=timedelta(hours=2)),
        result(event, "minutes", State.WAITING, retry_in=timedelta(minutes=2)),
        result(event, "done", State.DONE),
        result(other, "seconds", State.WAITING, retry_in=timedelta(seconds=2)),
    ]
    closings = [closing(event, State.WAITING), closing(other, State.WAITING)]
    settle(log, Hold(lease=lease, replay=0), results=results, closings=closings)
    row, rows = event_row(log, "evt_1"), delivery_rows(log, "evt_1")
    assert (row.state, row.lease, row.due_at) == (State.WAITING, None, rows["minutes"].due_at)
    assert event_row(log, "evt_2").due_at == delivery_rows(log, "evt_2")["seconds"].due_at


def test_a_retry_replaces_the_outcome_and_keeps_the_failures(log: EventLog) -> None:
    accept(log, "evt_1")
    first = new_lease()
    (event,) = claimed(log, "evt_1", lease=first)
    waiting = result(event, "h", State.WAITING, failures=1, retry_in=LONG, failure=FAILURE, note="busy")
    settle(log, Hold(lease=first, replay=0), results=[waiting], closings=[closing(event, State.WAITING)])
    make_delivery_due(log, "h")
    make_event_due(log, "evt_1")
    sweep(log)
    again = new_lease()
    (event,) = claimed(log, "evt_1", lease=again)
    done = result(event, "h", State.DONE, attempt=2, failures=1)
    settle(log, Hold(lease=again, replay=0), results=[done], closings=[closing(event, State.DONE)])
    row = delivery_rows(log, "evt_1")["h"]
    assert (row.state, row.attempts, row.failures, row.due_at, row.note) == ("done", 2, 1, None, None)
    assert (event_row(log, "evt_1").state, event_row(log, "evt_1").due_at) == (State.DONE, None)
    assert [failure.attempt for failure in failure_rows(log, "evt_1")] == [1]


def settle_one(log: EventLog, event: Claimed, lease: str, *, replay: int = 0) -> set[int]:
    return settle(
        log,
        Hold(lease=lease, replay=replay),
        results=[result(event, "h", State.DEAD, failures=1, failure=FAILURE)],
        closings=[] if replay else [closing(event, State.DEAD)],
    )


def test_what_a_lost_lease_would_settle_is_not_written_and_reported(log: EventLog) -> None:
    accept(log, "kept", "lost")
    lease = new_lease()
    kept, lost = claimed(log, "kept", "lost", lease=lease)
    make_event_due(log, "lost")
    sweep(log)
    queued = event_row(log, "lost")
    results = [result(event, "h", State.DEAD, failure=FAILURE) for event in (kept, lost)]
    closings = [closing(event, State.DEAD) for event in (kept, lost)]
    assert settle(log, Hold(lease=lease, replay=0), results=results, closings=closings) == {lost.seq}
    assert (states(log, "lost"), failure_rows(log, "lost"), event_row(log, "lost")) == ({}, [], queued)
    assert (states(log, "kept"), len(failure_rows(log, "kept"))) == ({"h": "dead"}, 1)
    assert event_row(log, "kept").state == State.DEAD


def test_an_outcome_that_comes_after_another_worker_claimed_the_event_changes_nothing(log: EventLog) -> None:
    accept(log, "evt_1")
    slow, quick = new_lease(), new_lease()
    (event,) = claimed(log, "evt_1", lease=slow)
    make_event_due(log, "evt_1")
    sweep(log)
    claimed(log, "evt_1", lease=quick)
    running = event_row(log, "evt_1")
    assert settle_one(log, event, slow) == {event.seq}
    assert event_row(log, "evt_1") == running
    done, closings = [result(event, "h", State.DONE)], [closing(event, State.DONE)]
    assert settle(log, Hold(lease=quick, replay=0), results=done, closings=closings) == set()
    assert settle_one(log, event, slow) == {event.seq}
    assert settle_one(log, event, quick) == {event.seq}  # its own is over, too
    assert states(log, "evt_1") == {"h": "done"}
    assert event_row(log, "evt_1").state == State.DONE
    assert failure_rows(log, "evt_1") == []


def test_a_lease_that_ran_out_and_that_no_sweeper_took_still_settles(log: EventLog) -> None:
    accept(log, "evt_1")
    lease = new_lease()
    (event,) = claimed(log, "evt_1", lease=lease)
    make_event_due(log, "evt_1")
    assert settle_one(log, event, lease) == set()
    assert event_row(log, "evt_1").state == State.DEAD


def replayed(log: EventLog, lease: str, states: Sequence[State] = (State.DONE,)) -> tuple[int, Claimed]:
    accept(log, "evt_1")
    run(log, "evt_1", dict(zip(("h", "other"), states, strict=False)))
    number = replay(log, "evt_1", "h")
    (event,) = claimed(log, "evt_1", lease=lease, replay=number)
    return number, event


def test_a_replay_settles_its_own_delivery_and_leaves_the_original_run_as_it_was(log: EventLog) -> None:
    lease = new_lease()
    number, event = replayed(log, lease, (State.DONE, State.DONE))
    before, original = event_row(log, "evt_1"), delivery_rows(log, "evt_1")
    assert settle_one(log, event, lease, replay=number) == set()
    row = delivery_rows(log, "evt_1", replay=number)["h"]
    assert (row.state, row.lease, row.due_at, row.attempts, row.failures) == ("dead", None, None, 1, 1)
    assert (row.started_at, row.duration_us, row.version) == (STARTED, 1500, "abc")
    (failure,) = failure_rows(log, "evt_1")
    assert failure.replay == number
    assert (event_row(log, "evt_1"), delivery_rows(log, "evt_1")) == (before, original)


def test_a_replay_that_has_to_wait_is_claimed_again_when_due(log: EventLog) -> None:
    lease = new_lease()
    number, event = replayed(log, lease)
    waiting = result(event, "h", State.WAITING, failures=1, retry_in=LONG, failure=FAILURE)
    assert settle(log, Hold(lease=lease, replay=number), results=[waiting]) == set()
    row = delivery_rows(log, "evt_1", replay=number)["h"]
    assert (row.state, row.lease) == ("waiting", None)
    assert 0 <= LONG.total_seconds() - seconds_until_due(log, row) < 5
    assert sweep(log) == []
    make_delivery_due(log, "h")
    assert [(swept.event_id, swept.replay, swept.was) for swept in sweep(log)] == [
        ("evt_1", number, State.WAITING)
    ]
    (event,) = claimed(log, "evt_1", lease=new_lease(), replay=number)
    (prior,) = event.prior
    assert (prior.attempts, prior.failures, prior.is_due) == (1, 1, True)


def test_a_replay_whose_lease_was_lost_settles_nothing(log: EventLog) -> None:
    lost, now = new_lease(), new_lease()
    number, event = replayed(log, lost)
    make_delivery_due(log, "h")
    sweep(log)
    assert settle_one(log, event, lost, replay=number) == {event.seq}
    claimed(log, "evt_1", lease=now, replay=number)
    assert settle_one(log, event, lost, replay=number) == {event.seq}
    assert states(log, "evt_1", replay=number) == {"h": "running"}
    assert failure_rows(log, "evt_1") == []
    assert settle_one(log, event, now, replay=number) == set()
    assert states(log, "evt_1", replay=number) == {"h": "dead"}


def test_a_delivery_of_a_replay_that_is_settled_is_not_settled_again_with_the_rest(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"h": State.DONE})
    number = make_replay(log, handlers=["one", "two"])
    feed_all(log, number)
    lease = new_lease()
    (event,) = claimed(log, "evt_1", lease=lease, replay=number)
    waiting = result(event, "one", State.WAITING, failures=1, retry_in=LONG, failure=FAILURE)
    assert settle(log, Hold(lease=lease, replay=number), results=[waiting]) == set()
    late = [result(event, handler, State.DONE, attempt=2) for handler in ("one", "two")]
    assert settle(log, Hold(lease=lease, replay=number), results=late) == set()
    assert states(log, "evt_1", replay=number) == {"one": "waiting", "two": "done"}


def test_settling_nothing_is_no_mistake(log: EventLog) -> None:
    assert settle(log, Hold(lease=new_lease(), replay=0), results=[]) == set()


def test_many_outcomes_share_one_settlement(log: EventLog) -> None:
    ids = [f"evt_{number}" for number in range(300)]
    record(log, [an_event(event_id) for event_id in ids])
    lease = new_lease()
    found = claimed(log, *ids, lease=lease)
    results = [result(event, handler, State.DONE) for event in found for handler in ("one", "two")]
    closings = [closing(event, State.DONE) for event in found]
    assert settle(log, Hold(lease=lease, replay=0), results=results, closings=closings) == set()
    with log.read() as connection:
        rows = connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state)).all()
    assert rows == [(State.DONE, 600)]
    assert {event_row(log, event_id).state for event_id in ids[::50]} == {State.DONE}


UNSTORABLE_FAILURE = Failure(error_type="E\0", message="m\ud800", traceback="t\0", fingerprint="f2")


def test_an_outcome_that_the_database_refuses_fails_no_other(log: EventLog) -> None:
    ids = [f"evt_{number}" for number in range(7)]
    record(log, [an_event(event_id) for event_id in ids])
    lease = new_lease()
    found = claimed(log, *ids, lease=lease)
    results = [result(event, "h", State.DONE) for event in found]
    results[2] = result(found[2], "h", State.SKIPPED, note="lone \ud800")
    results[5] = result(found[5], "h", State.DEAD, failures=1, failure=UNSTORABLE_FAILURE)
    closings = [closing(event, state.state) for event, state in zip(found, results, strict=True)]
    assert settle(log, Hold(lease=lease, replay=0), results=results, closings=closings) == set()
    assert [event_row(log, event_id).state for event_id in ids] == [one.state for one in results]
    assert delivery_rows(log, "evt_2")["h"].note is None
    (failure,) = failure_rows(log, "evt_5")
    assert (failure.error_type, failure.fingerprint) == ("OutcomeNotStorable", "f2")
    assert "E?" in failure.message


def test_an_outcome_that_can_be_stored_in_no_words_is_told_and_left_to_its_lease(log: EventLog) -> None:
    accept(log, "good", "refused")
    lease = new_lease()
    good, refused = claimed(log, "good", "refused", lease=lease)
    results = [result(good, "h", State.DONE), result(refused, "h", State.DONE, attempt=2**80)]
    closings = [closing(good, State.DONE), closing(refused, State.DONE)]
    with capture_logs() as logs:
        lost = settle(log, Hold(lease=lease, replay=0), results=results, closings=closings)
    assert lost == {refused.seq}
    assert event_row(log, "good").state == State.DONE
    assert (event_row(log, "refused").state, event_row(log, "refused").lease) == (State.RUNNING, lease)
    assert [line["event"] for line in logs] == ["outcome_refused"]


def test_a_failure_is_not_recorded_over_an_attempt_that_is_on_record(log: EventLog) -> None:
    accept(log, "evt_1")
    lease = new_lease()
    (event,) = claimed(log, "evt_1", lease=lease)
    settle(log, Hold(lease=lease, replay=0), results=[result(event, "h", State.DONE)])
    crashed = result(event, "h", State.WAITING, failures=1, retry_in=LONG, failure=FAILURE)
    assert settle(log, Hold(lease=lease, replay=0), results=[crashed]) == set()
    assert states(log, "evt_1") == {"h": "done"}
    assert failure_rows(log, "evt_1") == []
    again = result(event, "h", State.DEAD, attempt=2, failures=1, failure=FAILURE)
    settle(log, Hold(lease=lease, replay=0), results=[again])
    assert (states(log, "evt_1"), len(failure_rows(log, "evt_1"))) == ({"h": "dead"}, 1)


def test_an_event_that_waits_for_nothing_is_due_at_once(log: EventLog) -> None:
    accept(log, "evt_1")
    lease = new_lease()
    (event,) = claimed(log, "evt_1", lease=lease)
    settle(log, Hold(lease=lease, replay=0), results=[], closings=[closing(event, State.WAITING)])
    assert seconds_until_due(log, event_row(log, "evt_1")) <= 0


def test_an_event_of_which_more_is_to_run_is_due_at_once_though_a_retry_waits(log: EventLog) -> None:
    accept(log, "now", "later")
    lease = new_lease()
    now, later = claimed(log, "now", "later", lease=lease)
    results = [result(event, "h", State.WAITING, retry_in=LONG) for event in (now, later)]
    closings = [replace(closing(now, State.WAITING), is_due_now=True), closing(later, State.WAITING)]
    settle(log, Hold(lease=lease, replay=0), results=results, closings=closings)
    assert [swept.event_id for swept in sweep(log)] == ["now"]
