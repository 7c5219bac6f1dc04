"""The clock's turns, with the test's own time."""

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease, renew
from eventlog.replays import create
from eventlog.selection import Selection
from eventlog.settlement import settle
from eventlog.states import State
from eventlog.tables import deliveries
from tests.eventlog.lane import Lane
from tests.eventlog.set_clock import SetClock
from tests.eventlog.stored import accept, an_event, make_overdue, run
from tests.eventlog.wal import in_the_file, with_empty_wal
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until
from tests.workers.claims import a_result, claim_some, closing, make_due
from workers.clock import Clock
from workers.queue.redis_queue import EventQueue
from workers.rehearsal import Job, QueueInMemory

OVER = timedelta(seconds=1)
LEASE = timedelta(seconds=3)


@pytest.fixture
def clock(log: EventLog, queue: EventQueue) -> Clock:
    return Clock(log, queue, lease=LEASE)


def run_in_turns_of_an_hour(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a clock that is asleep once there is nothing left to do."""
    monkeypatch.setattr("workers.clock._TURN_SECONDS", 3600.0)
    clock._turn_seconds = 3600.0
    Thread(target=clock.run, daemon=True).start()


def state(log: EventLog, event_id: str) -> State:
    detail = read_detail(log, event_id)
    assert detail is not None
    return detail.state


def test_an_event_that_no_job_came_for_is_sent_again(log: EventLog, queue: EventQueue, clock: Clock) -> None:
    accept(log, "evt_1", "evt_2")
    clock.turn(0)
    assert queue.waiting_jobs() == 0  # it has been there for a moment only
    make_overdue(log, ["evt_1"], OVER)
    with capture_logs() as logs:
        clock.turn(1)
    assert queue.waiting_jobs() == 1
    assert [(line["event"], line["events"], line["first"]) for line in logs] == [("job_missed", 1, "evt_1")]
    clock.turn(2)
    assert queue.waiting_jobs() == 1


def test_what_a_turn_wrote_is_moved_from_sqlites_wal_after_it(
    log: EventLog, sqlite_url: str, queue: EventQueue
) -> None:
    names = [f"evt_{number}" for number in range(250)]
    accept(log, *names)
    for name in names:
        run(log, name, {"h": State.DONE})
    create(log, selection=Selection(), handlers={"h": ["*"]}, who="a test")
    database = with_empty_wal(sqlite_url)
    Clock(log, queue, lease=LEASE).turn(0)
    assert in_the_file(database, "deliveries") == 2 * len(names)


def test_a_lease_that_ran_out_is_taken_back(log: EventLog, queue: EventQueue, clock: Clock) -> None:
    claim_some(log, "evt_1")
    make_due(log)
    with capture_logs() as logs:
        for second in range(4):
            assert state(log, "evt_1") is State.RUNNING  # a clock that just began knows of no renewals
            clock.turn(second)
    assert state(log, "evt_1") is State.QUEUED
    assert queue.waiting_jobs() == 1
    assert [line["event"] for line in logs] == ["lease_expired"]


def test_a_retry_that_is_due_is_sent_without_a_word(log: EventLog, queue: EventQueue, clock: Clock) -> None:
    batch = claim_some(log, "evt_1")
    waiting = a_result(1, State.WAITING, failure=True)
    settle(
        log,
        batch.hold,
        results=[waiting],
        closings=[closing(1, "evt_1", State.WAITING)],
    )
    make_due(log)
    with capture_logs() as logs:
        clock.turn(0)
    assert state(log, "evt_1") is State.QUEUED
    assert queue.waiting_jobs() == 1
    assert logs == []


def test_it_sweeps_once_a_second_whatever_the_turns(log: EventLog, queue: EventQueue, clock: Clock) -> None:
    clock.turn(0)
    accept(log, "evt_1")
    make_overdue(log, ["evt_1"], OVER)
    clock.turn(0.75)
    assert queue.waiting_jobs() == 0
    clock.turn(1)
    assert queue.waiting_jobs() == 1


def test_behind_jobs_that_wait_only_what_they_cannot_hold_is_sent_again(
    log: EventLog, queue: EventQueue, clock: Clock
) -> None:
    clock.turn(0)
    accept(log, "evt_before", "evt_after")
    claim_some(log, "evt_leased")
    make_due(log)
    make_overdue(log, ["evt_before"], timedelta(minutes=1))
    make_overdue(log, ["evt_after"], OVER)
    queue.send(["evt_other"])
    with capture_logs() as logs:
        clock.turn(1)
    assert [(line["event"], line["first"]) for line in logs] == [("job_missed", "evt_before")]
    assert queue.waiting_jobs() == 2
    for second in range(2, 5):
        clock.turn(second)
    assert state(log, "evt_leased") is State.QUEUED  # that can't wait in a job
    assert queue.waiting_jobs() == 3


def test_trouble_is_told_once_and_its_end_too(
    log: EventLog, queue: EventQueue, clock: Clock, valkey: Valkey
) -> None:
    accept(log, "evt_1")
    make_overdue(log, ["evt_1"], OVER)
    with capture_logs() as logs:
        valkey.kill()
        for now in range(3):
            clock.turn(now)
        valkey.start()
        clock.turn(10)
    assert [line["event"] for line in logs] == ["queue_unavailable", "job_missed", "recovered"]
    assert queue.waiting_jobs() == 1


def test_a_log_that_is_away_is_outlived(queue: EventQueue) -> None:
    clock = Clock(EventLog.open("postgresql://localhost:1/nobody"), queue, lease=LEASE)
    with capture_logs() as logs:
        clock.turn(0)
        clock.turn(1)
    assert [line["event"] for line in logs] == ["log_unavailable"]


def test_two_clocks_send_what_is_due_once(log: EventLog, queue: EventQueue) -> None:
    accept(log, *[f"evt_{number}" for number in range(5)])
    make_due(log)
    for clock in (Clock(log, queue, lease=LEASE), Clock(log, queue, lease=LEASE)):
        clock.turn(0)
    assert queue.waiting_jobs() == 1


def test_the_databases_clock_set_forward_ends_no_lease_of_the_living(
    log: EventLog, queue: EventQueue, clock: Clock
) -> None:
    living, dead = claim_some(log, "living"), claim_some(log, "dead")
    set_clock = SetClock(log)
    clock.turn(0)
    set_clock.by = timedelta(hours=1)
    with capture_logs() as logs:
        for second in range(1, 6):
            renew(log, living.hold, duration=LEASE)
            clock.turn(second)
    assert [(line["event"], line.get("seconds")) for line in logs if "jumped" in line["event"]] == [
        ("database_clock_jumped", pytest.approx(3600, abs=2))
    ]
    assert state(log, "living") is State.RUNNING
    assert state(log, "dead") is State.RUNNING  # it asked for 30 s, and gets them
    assert dead.hold.lease
    for second in range(6, 32):
        renew(log, living.hold, duration=LEASE)
        clock.turn(second)
    assert (state(log, "living"), state(log, "dead")) == (State.RUNNING, State.QUEUED)


def test_the_databases_clock_set_back_delays_neither_retries_nor_the_leases_of_the_dead(
    log: EventLog, queue: EventQueue, clock: Clock
) -> None:
    accept(log, "lost", "dead")
    claim(log, Hold(lease=new_lease(), replay=0), ["dead"], duration=LEASE)
    set_clock = SetClock(log)
    clock.turn(0)
    set_clock.by = -timedelta(hours=1)
    clock.turn(1)
    for second in range(2, 12):
        set_clock.by += timedelta(seconds=0.9)  # it runs on with the test's own time, too little for a jump
        clock.turn(second)
    assert state(log, "dead") is State.QUEUED
    assert queue.waiting_jobs() >= 2


def test_while_redis_is_away_leases_are_watched_all_the_same(
    log: EventLog, queue: EventQueue, clock: Clock, valkey: Valkey
) -> None:
    claim_some(log, "evt_1")
    make_due(log)
    valkey.kill()
    for second in range(4):
        clock.turn(second)
    assert state(log, "evt_1") is State.RUNNING
    valkey.start()
    clock.turn(4)
    assert state(log, "evt_1") is State.QUEUED


def test_between_two_turns_a_replay_is_fed_on_while_there_is_room(
    log: EventLog, queue: EventQueue, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.replay._TURN_EVENTS", 1)
    monkeypatch.setattr("workers.replay._ROOM_JOBS", 1)
    for number in range(3):
        accept(log, f"evt_{number}")
        run(log, f"evt_{number}", {"h": State.DONE})
    create(log, selection=Selection(), handlers={"h": ["*"]}, who="a test")
    clock.turn(0)
    assert queue.waiting_jobs() == 1
    for _ in range(3):
        clock.feed_on(0.1)
    assert queue.waiting_jobs() == 2


def test_a_replay_is_fed_without_waiting_for_the_next_turn(
    log: EventLog, queue: EventQueue, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.replay._TURN_EVENTS", 1)
    for number in range(3):
        accept(log, f"evt_{number}")
        run(log, f"evt_{number}", {"h": State.DONE})
    create(log, selection=Selection(), handlers={"h": ["*"]}, who="a test")
    run_in_turns_of_an_hour(clock, monkeypatch)
    wait_until(lambda: queue.waiting_jobs() == 3)


def test_a_replay_that_finds_nothing_in_a_piece_of_the_log_goes_on_without_waiting_for_the_next_turn(
    log: EventLog, queue: EventQueue, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.replay_look._SEQS_A_LOOK", 1)
    for event_id, days in (("evt_1", 2), ("evt_2", 2), ("evt_3", 0)):
        record(log, [an_event(event_id, age=timedelta(days=days))])
        run(log, event_id, {"h": State.DONE})
    recently = Selection(since=datetime.now(UTC) - timedelta(days=1))
    create(log, selection=recently, handlers={"h": ["*"]}, rate=1, who="a test")
    run_in_turns_of_an_hour(clock, monkeypatch)
    wait_until(lambda: queue.waiting_jobs() == 1)


def test_what_was_too_much_for_one_sweep_is_swept_between_two_turns_while_there_is_room(
    log: EventLog, queue: EventQueue, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.sweep._TURN", 1)
    monkeypatch.setattr("workers.replay._ROOM_JOBS", 1)
    ids = [f"evt_{number}" for number in range(4)]
    accept(log, *ids)
    make_overdue(log, ids, timedelta(minutes=1))
    clock.turn(0)
    assert queue.waiting_jobs() == 1
    for _ in range(3):
        clock.feed_on(0.1)
    assert queue.waiting_jobs() == 2
    clock.turn(1)
    assert queue.waiting_jobs() == 3


def test_a_recovery_goes_on_without_waiting_for_the_next_turn(
    log: EventLog, queue: EventQueue, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.sweep._TURN", 1)
    ids = [f"evt_{number}" for number in range(3)]
    accept(log, *ids)
    make_overdue(log, ids, timedelta(minutes=1))
    run_in_turns_of_an_hour(clock, monkeypatch)
    wait_until(lambda: queue.waiting_jobs() == 3)


def test_a_recovery_in_a_queue_of_its_own_goes_on_with_the_next_turn(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.lone_sweep.TURN", 1)
    monkeypatch.setattr("workers.clock.TURN", 1)
    lane = Lane(log=log, queue="slow", is_ordered=False)
    lane.arrive("e1", "e2", "e3")
    lane.hop("e1", "e2", "e3")
    with log.write() as connection:
        connection.execute(update(deliveries).values(due_at=datetime.now(UTC) - timedelta(minutes=1)))
    queue = QueueInMemory()
    clock = Clock(log, queue, lease=LEASE)
    for now, event_id in ((0.0, "e1"), (0.25, "e2"), (0.5, "e3")):
        clock.turn(now)
        assert queue.take() == Job(event_ids=(event_id,), replay=0, queue="slow")
        assert queue.take() is None


def test_told_to_stop_it_ends(clock: Clock) -> None:
    clock.stop()
    clock.run()
