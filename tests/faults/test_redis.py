"""Redis away, hung, wiped, read-only, full or restored from an old copy, under a steady stream of events."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.stage import Stage, stage
from tests.faults.stream import Stream
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until

RECOVERY_SECONDS = 45


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with Valkey(append_only=True) as server:
        yield server


@pytest.fixture(scope="module")
def running(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give one installation for all faults: after each it has to recover by itself, for the next to pass."""
    folder = tmp_path_factory.mktemp("redis")
    with stage(folder, database_url=f"sqlite:///{folder}/events.db", redis_url=valkey.url) as it:
        it.start()
        yield it


@contextmanager
def a_fault(it: Stage, name: str) -> Iterator[Stream]:
    """Run a stream over a fault: all is accepted meanwhile, and done once when it is over."""
    with Stream(it.ports, seed=name, rate=12) as stream:
        wait_until(lambda: len(stream.acknowledged) > 10, RECOVERY_SECONDS)
        yield stream
        settled_again(it, stream)
    it.wait_until_settled(stream.acknowledged)
    it.assert_promise_kept(stream.acknowledged)
    assert set(stream.statuses) <= {202, 200}, "Redis is nothing that an acknowledgement needs"
    assert stream.slowest_seconds < 5
    assert all(member.process.is_running() for member in it.members), it.last_words()
    it.assert_no_traceback()


def settled_again(it: Stage, stream: Stream) -> None:
    """Wait until what was accepted last by now is settled, while the stream goes on."""
    last = stream.acknowledged[-1]
    wait_until(lambda: it.settled(last), RECOVERY_SECONDS)


def accepted_during(stream: Stream, number: int) -> None:
    seen = len(stream.acknowledged)
    wait_until(lambda: len(stream.acknowledged) > seen + number, RECOVERY_SECONDS)


def test_away(running: Stage, valkey: Valkey) -> None:
    with a_fault(running, "away") as stream:
        valkey.stop()
        accepted_during(stream, 40)
        valkey.start()


@pytest.mark.long
def test_hung(running: Stage, valkey: Valkey) -> None:
    with a_fault(running, "hung") as stream:
        valkey.pause()
        accepted_during(stream, 40)
        valkey.resume()


@pytest.mark.long
def test_wiped(running: Stage, valkey: Valkey) -> None:
    with a_fault(running, "wiped") as stream:
        for _ in range(3):
            valkey.flush()
            accepted_during(stream, 30)


@pytest.mark.long
def test_read_only(running: Stage, valkey: Valkey) -> None:
    with a_fault(running, "readonly") as stream, valkey.client() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        accepted_during(stream, 40)
        client.execute_command("REPLICAOF", "NO", "ONE")


@pytest.mark.long
def test_out_of_memory(running: Stage, valkey: Valkey) -> None:
    with a_fault(running, "memory") as stream, valkey.client() as client:
        client.config_set("maxmemory", "1")
        accepted_during(stream, 40)
        client.config_set("maxmemory", "0")


@pytest.mark.long
def test_restored_from_an_old_copy(running: Stage, valkey: Valkey, tmp_path: Path) -> None:
    worker = running.of("worker")[0]
    with a_fault(running, "copy") as stream:
        # A copy from when jobs waited, restored when all of them were done long ago.
        worker.process.terminate()
        worker.process.wait(30)
        accepted_during(stream, 40)
        valkey.stop()
        shutil.copytree(valkey.data, tmp_path / "copy")
        valkey.start()
        running.keep_alive()
        settled_again(running, stream)
        valkey.stop()
        shutil.rmtree(valkey.data)
        shutil.copytree(tmp_path / "copy", valkey.data)
        valkey.start()
        with valkey.client() as client:
            assert client.llen("rq:queue:hooks"), "the copy holds no jobs"
        accepted_during(stream, 40)
