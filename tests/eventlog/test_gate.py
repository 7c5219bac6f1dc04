import fcntl
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest

from eventlog.database import EventLog
from eventlog.gate import WriteGate, WriterStuck
from tests.eventlog.rows import count_events
from tests.eventlog.stored import accept
from tests.servers.waiting import wait_until

ROOT = Path(__file__).parents[2]

HOLDER = """
import sys, time
from pathlib import Path
from eventlog.gate import WriteGate, WriterStuck

with WriteGate(Path(sys.argv[1]), patience_seconds=60).pass_through():
    print("held", flush=True)
    time.sleep(60)
"""

WRITER = """
import sys
from datetime import UTC, datetime
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.event import Event
from sqlalchemy import text

log, name, turns = EventLog.open(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with log.read():
    print("ready", flush=True)
sys.stdin.readline()
number = 0
while True:
    record(log, [Event(id=f"{name}_{number}", type="t", received_at=datetime.now(UTC), body=b"{}")])
    number += 1
    with log.read() as connection:
        if connection.execute(text("SELECT max(seq) FROM events")).scalar_one() >= turns:
            break
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def is_held(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_threads_pass_one_at_a_time(tmp_path: Path) -> None:
    gate = WriteGate(tmp_path / "events.db", patience_seconds=60)
    inside: list[int] = []
    most = []

    def pass_often(number: int) -> None:
        for _ in range(50):
            with gate.pass_through():
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(pass_often, range(8)))
    assert Counter(most) == {1: 400}


def test_the_gate_opens_again_after_an_error(tmp_path: Path) -> None:
    gate = WriteGate(tmp_path / "events.db", patience_seconds=60)
    with pytest.raises(ZeroDivisionError), gate.pass_through():
        raise ZeroDivisionError
    assert not is_held(tmp_path / "events.db-write")
    assert not is_held(tmp_path / "events.db-gate")


def test_the_gate_of_a_killed_process_opens(tmp_path: Path) -> None:
    with start(HOLDER, str(tmp_path / "events.db")) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert is_held(tmp_path / "events.db-write")
        assert not is_held(tmp_path / "events.db-gate")
        passed: list[bool] = []

        def pass_once() -> None:
            with WriteGate(tmp_path / "events.db", patience_seconds=60).pass_through():
                passed.append(holder.poll() is not None)

        waiting = Thread(target=pass_once)
        waiting.start()
        holder.kill()
        holder.wait()
        waiting.join(timeout=10)
    assert not waiting.is_alive()
    assert passed


def test_a_writer_that_was_stopped_is_named_and_the_line_moves_on_after_it(tmp_path: Path) -> None:
    database = tmp_path / "events.db"
    gate = WriteGate(database, patience_seconds=0.2)
    with start(HOLDER, str(database)) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        before = threading.active_count()
        for _ in range(5):
            with (
                pytest.raises(WriterStuck, match=f"process {holder.pid} has been writing"),
                gate.pass_through(),
            ):
                pytest.fail("it passed beside another writer")
        assert threading.active_count() == before + 1, "a thread for each try would pile up"
        holder.kill()
        holder.wait()
    with gate.pass_through():
        assert is_held(Path(f"{database}-write"))
    wait_until(lambda: not is_held(Path(f"{database}-write")))
    wait_until(lambda: threading.active_count() < before + 1)


def test_what_interrupts_the_wait_gives_the_turn_to_the_next(tmp_path: Path) -> None:
    gate = WriteGate(tmp_path / "events.db", patience_seconds=60)

    class Alarm(BaseException):
        pass

    def ring(_signal: int, _frame: object) -> None:
        raise Alarm

    with start(HOLDER, str(tmp_path / "events.db")) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        former = signal.signal(signal.SIGALRM, ring)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(Alarm), gate.pass_through():
                pytest.fail("it passed beside another writer")
        finally:
            signal.signal(signal.SIGALRM, former)
        holder.kill()
        holder.wait()
    with WriteGate(tmp_path / "events.db", patience_seconds=10).pass_through():
        assert is_held(tmp_path / "events.db-write")


def test_a_log_on_sqlite_writes_only_through_its_gate(sqlite_log: EventLog, sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    assert not is_held(Path(f"{path}-write"))
    with sqlite_log.write():
        assert is_held(Path(f"{path}-write"))
        assert not is_held(Path(f"{path}-gate"))
    assert not is_held(Path(f"{path}-write"))
    with start(HOLDER, path) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert count_events(sqlite_log) == 0  # readers need not wait
        writing = Thread(target=accept, args=(sqlite_log, "evt_1"))
        writing.start()
        assert count_events(sqlite_log) == 0
        holder.kill()
        writing.join(timeout=10)
    assert count_events(sqlite_log) == 1


@pytest.mark.alone
def test_no_process_that_writes_starves_beside_busy_ones(sqlite_log: EventLog, sqlite_url: str) -> None:
    names, turns = "abcd", 400
    with ExitStack() as stack:
        writers = [stack.enter_context(start(WRITER, sqlite_url, name, str(turns))) for name in names]
        for writer in writers:
            assert writer.stdout
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin
            writer.stdin.write("go\n")
            writer.stdin.flush()
        assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0, 0]
    with sqlite_log.read() as connection:
        found = connection.exec_driver_sql("SELECT id FROM events ORDER BY seq").scalars()
        order = "".join(event_id[0] for event_id in found)
    order = order[max(order.index(name) for name in names) : turns]
    assert len(order) > turns / 2
    # Strictly in turn each would write a quarter, with three others between two turns of its own.
    assert min(Counter(order).values()) > len(order) / 8, order
    longest_wait = max(len(others) for name in names for others in order.split(name))
    # Four on one core write some twenty in a row, for as long as the core is theirs.
    assert longest_wait < 100, order
