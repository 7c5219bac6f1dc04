"""A process's heartbeats in the log."""

import os
import time

from structlog.testing import capture_logs

from eventlog.database import EventLog
from eventlog.heartbeats import read_heartbeats
from eventlog.pulse import Pulse
from tests.servers.waiting import wait_until


def test_a_process_reports_at_once_and_signs_off(log: EventLog) -> None:
    pulse = Pulse(log, kind="worker")
    pulse.start()
    (heartbeat,) = wait_until(lambda: read_heartbeats(log))
    assert heartbeat.kind == "worker"
    assert heartbeat.is_alive
    assert heartbeat.name.endswith(f":{os.getpid()}")
    pulse.stop()
    assert read_heartbeats(log) == []


def test_two_kinds_of_one_process_do_not_mix(log: EventLog) -> None:
    pulses = [Pulse(log, kind=kind) for kind in ("worker", "clock")]
    for pulse in pulses:
        pulse.start()
    wait_until(lambda: len(read_heartbeats(log)) == 2)
    pulses[0].stop()
    assert [heartbeat.kind for heartbeat in read_heartbeats(log)] == ["clock"]
    pulses[1].stop()


def test_a_log_that_is_away_neither_ends_the_process_nor_holds_its_end_up() -> None:
    pulse = Pulse(EventLog.open("postgresql://localhost:1/nobody"), kind="worker")
    with capture_logs() as logs:
        pulse.start()
        wait_until(lambda: logs)
        began = time.monotonic()
        pulse.stop()
    assert time.monotonic() - began < 3
    assert logs[0]["event"] == "log_unavailable"
