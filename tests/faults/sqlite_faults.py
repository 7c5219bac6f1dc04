"""SQLite locked, its disk full or read-only, under a steady stream of events; `test_sqlite.py` runs it."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.small_disk import SmallDisk, small_disk
from tests.faults.stage import Stage, stage
from tests.faults.stream import Stream, post
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until

RECOVERY_SECONDS = 30
STOPPED_WRITER = """
import sys
from pathlib import Path
from eventlog.gate import WriteGate
with WriteGate(Path(sys.argv[1]), patience_seconds=60).pass_through():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("disks") / "small") as made:
        yield made


@pytest.fixture(scope="module")
def running(disk: SmallDisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give one installation for all faults: after each it has to recover by itself, for the next to pass."""
    with (
        Valkey() as valkey,
        stage(
            tmp_path_factory.mktemp("sqlite"),
            database_url=f"sqlite:///{disk.folder}/events.db",
            redis_url=valkey.url,
        ) as it,
    ):
        it.start()
        yield it


@contextmanager
def a_fault(it: Stage, name: str) -> Iterator[Stream]:
    """Run a stream over a fault: it recovers by itself, and all that was acknowledged is done once."""
    with Stream(it.ports, seed=name) as stream:
        wait_until(lambda: len(stream.acknowledged) > 10, RECOVERY_SECONDS)
        yield stream
        seen = len(stream.acknowledged)
        wait_until(lambda: len(stream.acknowledged) > seen + 10, RECOVERY_SECONDS)
    it.wait_until_settled(stream.acknowledged)
    it.assert_promise_kept(stream.acknowledged)
    assert set(stream.statuses) <= {202, 200, 503}, stream.statuses
    assert stream.slowest_seconds < 15
    assert all(member.process.is_running() for member in it.members), it.last_words()
    it.assert_no_traceback()


def assert_nothing_is_taken(it: Stage, stream: Stream) -> None:
    """Wait until every answer is 503."""
    wait_until(lambda: stream.statuses[503] > 4, RECOVERY_SECONDS)
    taken = len(stream.acknowledged)
    name = f"evt_{time.monotonic_ns()}"
    assert post(it.ports[0], {"id": name, "type": "memory.stored", "data": {"fill": "x" * 9000}}) == 503
    assert len(stream.acknowledged) == taken


def test_a_full_disk(running: Stage, disk: SmallDisk) -> None:
    with a_fault(running, "full") as stream:
        disk.fill()
        assert_nothing_is_taken(running, stream)
        disk.make_room()


def test_a_read_only_disk(running: Stage, disk: SmallDisk) -> None:
    with a_fault(running, "readonly") as stream:
        disk.set_read_only()
        assert_nothing_is_taken(running, stream)
        disk.set_writable()


def test_locked_by_another_program(running: Stage, disk: SmallDisk) -> None:
    path = disk.folder / "events.db"
    with a_fault(running, "locked") as stream, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert_nothing_is_taken(running, stream)
        other.execute("ROLLBACK")


def test_a_writer_that_was_stopped(running: Stage, disk: SmallDisk) -> None:
    with a_fault(running, "stopped") as stream:
        path = str(disk.folder / "events.db")
        with subprocess.Popen(
            [sys.executable, "-c", STOPPED_WRITER, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        ) as writer:
            assert writer.stdout
            assert writer.stdout.readline() == b"held\n"
            assert_nothing_is_taken(running, stream)
            receiver = running.of("receiver")[0].process
            assert f"process {writer.pid} has been writing" in receiver.last_words()
            writer.kill()
