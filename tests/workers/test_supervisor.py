"""The parent, over children that are small programs and say on the page what the test wants."""

import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.errors import LogUnavailable
from eventlog.states import State
from eventlog.tables import events
from tests.servers.waiting import wait_until
from tests.workers.claims import claim_some
from workers.queue.redis_queue import EventQueue
from workers.settings import WorkerSettings
from workers.supervisor import Supervisor

_PROLOGUE = """
import os, signal, sys, time
from datetime import UTC, datetime, timedelta
from eventlog.states import State
from workers.page import Note, Running, SharedPage

lease, page = sys.argv[1], SharedPage(int(sys.argv[2]))

def running(seq, kill_in):
    return Note(is_ready=True, lease=lease, running=Running(
        seq=seq, event_id=f"evt_{seq}", handler=f"h{seq}", attempt=1, failures=1, version="",
        started_at=datetime.now(UTC), timeout_seconds=1, kill_at=time.monotonic() + kill_in,
        state_after_crash=State.WAITING, retry_after_crash=timedelta(0)))
"""

Supervise = Callable[..., Supervisor]


@pytest.fixture
def supervise(log: EventLog, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervise]:
    monkeypatch.setenv("HOOKS_LEASE_SECONDS", "3")
    monkeypatch.setenv("HOOKS_GRACE_SECONDS", "1")
    queue = EventQueue.connect(redis_url)
    made: list[Supervisor] = []

    def make(program: str, *, lease: str = "") -> Supervisor:
        command = [sys.executable, "-c", _PROLOGUE + program, lease]
        made.append(Supervisor(log, queue, WorkerSettings(), command))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.stop()
    queue.close()


def run_aside(supervisor: Supervisor) -> tuple[threading.Thread, list[int]]:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(supervisor.run()))
    thread.start()
    return thread, codes


def failed_handlers(log: EventLog, *ids: str) -> list[str]:
    details = [read_detail(log, event_id) for event_id in ids]
    return [failure.handler for detail in details if detail for failure in detail.failures]


def test_a_child_that_cannot_start_as_configured_ends_the_worker(supervise: Supervise) -> None:
    assert supervise("sys.exit(78)").run() == 1


def test_a_child_that_worked_before_is_started_again_whatever_its_exit_code(supervise: Supervise) -> None:
    supervisor = supervise("page.write(Note(is_ready=True)); sys.exit(78)")
    with capture_logs() as logs:
        thread, codes = run_aside(supervisor)
        wait_until(lambda: len(logs) >= 2)
        supervisor.stop()
        thread.join()
    assert codes == [0]
    assert logs[0] == {
        "event": "worker_restarted",
        "cause": "ended with exit code 78",
        "log_level": "warning",
    }


def test_told_to_stop_it_tells_the_child_and_waits_for_it(supervise: Supervise) -> None:
    program = """
def told(*_):
    time.sleep(0.3)
    sys.exit(0)
signal.signal(signal.SIGTERM, told)
page.write(Note(is_ready=True))
time.sleep(60)
"""
    supervisor = supervise(program)
    thread, codes = run_aside(supervisor)
    supervisor.stop()
    thread.join(10)
    assert codes == [0]


def test_a_child_that_does_not_heed_the_stop_is_killed_after_the_grace_time(
    log: EventLog, supervise: Supervise
) -> None:
    batch = claim_some(log, "evt_1")
    program = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
page.write(running(1, 60))
time.sleep(60)
"""
    supervisor = supervise(program, lease=batch.hold.lease)
    before = _due_at(log)
    thread, codes = run_aside(supervisor)
    wait_until(lambda: _due_at(log) != before)  # the handler runs: its lease is renewed
    began = time.monotonic()
    supervisor.stop()
    thread.join(15)
    assert codes == [0]
    assert time.monotonic() - began < 10
    assert failed_handlers(log, "evt_1") == []


def test_a_lease_is_renewed_while_a_handler_runs_within_its_time(log: EventLog, supervise: Supervise) -> None:
    batch = claim_some(log, "evt_1")
    supervisor = supervise("page.write(running(1, 60)); time.sleep(60)", lease=batch.hold.lease)
    before = _due_at(log)
    thread, _ = run_aside(supervisor)
    wait_until(lambda: _due_at(log) != before)  # to 3 s from now; the claim was for 30 s
    renewed = _due_at(log)
    wait_until(lambda: _due_at(log) > renewed)
    supervisor.stop()
    thread.join(10)


def test_a_child_that_died_while_a_handler_ran_charges_that_one(log: EventLog, supervise: Supervise) -> None:
    batch = claim_some(log, "evt_1", "evt_2")
    supervise("page.write(running(2, 60)); os.kill(os.getpid(), 9)", lease=batch.hold.lease)._run_child()
    assert failed_handlers(log, "evt_1", "evt_2") == ["h2"]
    details = [read_detail(log, event_id) for event_id in ("evt_1", "evt_2")]
    assert [detail and detail.state for detail in details] == [State.QUEUED, State.QUEUED]


def test_a_handler_that_began_as_its_forerunner_was_to_be_killed_is_not_charged_for_it(
    log: EventLog, supervise: Supervise
) -> None:
    program = """
late, innocent = running(int(os.environ["SEQ"]), -1), running(int(os.environ["SEQ"]) + 1, 60)
while True:
    page.write(late)
    page.write(innocent)
"""
    for number in range(6):
        batch = claim_some(log, f"evt_late_{number}", f"evt_innocent_{number}")
        first = batch.start_next()
        assert first is not None
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SEQ", str(first.seq))
            supervise(program, lease=batch.hold.lease)._run_child()
        assert failed_handlers(log, f"evt_innocent_{number}") == []
        assert failed_handlers(log, f"evt_late_{number}") in ([], [f"h{first.seq}"])


def _due_at(log: EventLog) -> float:
    with log.read() as connection:
        due_at = connection.execute(select(events.c.due_at)).scalar_one()
    return due_at.timestamp() if due_at else 0.0


def test_a_child_stuck_outside_of_all_handlers_is_replaced_and_nobody_charged(
    log: EventLog, supervise: Supervise
) -> None:
    batch = claim_some(log, "evt_1", "evt_2")
    program = "page.write(Note(is_ready=True, lease=lease)); time.sleep(60)"
    end = supervise(program, lease=batch.hold.lease)._run_child()
    assert end.cause == "was killed, because it was stuck outside of all handlers"
    details = [read_detail(log, event_id) for event_id in ("evt_1", "evt_2")]
    assert [detail and detail.state for detail in details] == [State.QUEUED, State.QUEUED]
    assert failed_handlers(log, "evt_1", "evt_2") == []


def test_a_child_that_waits_for_a_log_that_is_away_is_left_to_wait(
    log: EventLog, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = claim_some(log, "evt_1")
    tries = []

    def away(*_: object, **__: object) -> None:
        tries.append("renew")
        raise LogUnavailable("away")

    monkeypatch.setattr("workers.renewer.leases.renew", away)
    supervisor = supervise(
        "page.write(Note(is_ready=True, lease=lease)); time.sleep(60)", lease=batch.hold.lease
    )
    with capture_logs() as logs:
        thread, _ = run_aside(supervisor)
        wait_until(lambda: len(tries) >= 5)  # of which three would do
        supervisor.stop()
        thread.join(15)
    assert [line for line in logs if line["event"] == "worker_restarted"] == []


def test_children_that_die_outside_of_all_handlers_are_restarted_ever_later(
    supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = supervise("page.write(Note(is_ready=True)); sys.exit(1)")
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 7:
            supervisor.stop()

    monkeypatch.setattr(supervisor, "_wait", wait)
    assert supervisor.run() == 0
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_child_that_a_handler_ended_is_restarted_at_once(
    log: EventLog, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = claim_some(log, "evt_1")
    supervisor = supervise("page.write(running(1, 60)); os._exit(3)", lease=batch.hold.lease)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            supervisor.stop()

    monkeypatch.setattr(supervisor, "_wait", wait)
    supervisor.run()
    assert waits == [0.1, 0.1, 0.1]


def test_a_child_that_grew_too_large_is_killed_and_what_ran_is_charged(
    log: EventLog, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKS_WORKER_MEMORY_MIB", "300")
    batch = claim_some(log, "evt_1", "evt_2")
    program = "page.write(running(2, 60)); eaten = bytearray(400 * 1024 * 1024); time.sleep(60)"
    end = supervise(program, lease=batch.hold.lease)._run_child()
    assert end.cause == "was killed, because it used more than 300 MiB of memory (HOOKS_WORKER_MEMORY_MIB)"
    assert failed_handlers(log, "evt_1", "evt_2") == ["h2"]
