"""SIGTERM of every process: it finishes what it holds, hands back the rest, and ends within its time.

How a worker ends by itself stands in tests/workers/test_worker_stopping.py.
"""

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from eventlog.states import State
from tests.faults.stage import stage
from tests.faults.stream import SECRET, Stream, signed
from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until
from tests.system.up import free_port
from tests.workers.worksite import Site, Started

GRACE_SECONDS = 3
SOON_SECONDS = 12
"""Past the grace time: for the end itself, on a machine that is busy."""


@contextmanager
def a_site(folder: Path, database_url: str, redis_url: str) -> Iterator[Site]:
    made = Site(
        folder,
        database_url,
        redis_url,
        CHAOZCODE_WEBHOOK_SECRET=SECRET,
        HOOKS_HOST="127.0.0.1",
        PORT=str(free_port()),
        HOOKS_LEASE_SECONDS="3",
        HOOKS_GRACE_SECONDS=str(GRACE_SECONDS),
    )
    try:
        yield made
    finally:
        made.close()


@pytest.mark.long
def test_stopped_again_and_again_under_traffic_nothing_is_lost_and_nothing_runs_twice(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    with stage(tmp_path, database_url=database_url, redis_url=redis_url, HOOKS_LEASE_SECONDS="10") as it:
        it.start(workers=2)
        with Stream(it.ports, rate=25) as stream:
            for commands in (("receiver",), ("worker", "clock")):
                stopped = [member for member in it.members if member.command in commands]
                seen = len(stream.acknowledged)
                for member in stopped:
                    member.process.terminate()
                for member in stopped:
                    assert member.process.wait(30) == 0, member.process.last_words()
                it.keep_alive()
                wait_until(lambda seen=seen: len(stream.acknowledged) > seen + 20, 60)  # type: ignore[misc]
        it.wait_until_settled(stream.acknowledged)
        print(f"{len(stream.acknowledged)} acknowledged, {stream.statuses}")
        assert it.repeats() == 0
        it.assert_promise_kept(stream.acknowledged)
        it.assert_no_traceback()


def test_a_receiver_told_to_stop_answers_the_requests_that_it_is_reading(
    tmp_path: Path, sqlite_url: str, redis_url: str
) -> None:
    with a_site(tmp_path, sqlite_url, redis_url) as site:
        receiver = site.start("receiver")
        receiver.wait_for("receiver_ready", deadline_seconds=60)
        wait_until(lambda: not _refuses(site))  # it says that it is ready a moment before it listens
        clients = [_begun(site, f"evt_{number}") for number in range(8)]
        receiver.terminate()
        wait_until(lambda: _refuses(site))
        for client, body in clients:
            client.sendall(body[10:])
        for client, _ in clients:
            assert _reply(client).startswith(b"HTTP/1.1 202 ")
        assert receiver.wait(SOON_SECONDS) == 0, receiver.last_words()
        assert site.states(f"evt_{number}" for number in range(8)) == [State.QUEUED] * 8


def _begun(site: Site, event_id: str) -> tuple[socket.socket, bytes]:
    """Begin a request: its head, and a part of its body once the receiver says that it reads it."""
    body, headers = signed({"id": event_id, "type": "memory.stored"})
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    client = socket.create_connection(("127.0.0.1", int(site.environment["PORT"])), timeout=SOON_SECONDS)
    client.sendall(
        f"POST /webhooks/chaozcode HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\n{head}"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
    )
    assert _reply(client).startswith(b"HTTP/1.1 100 ")
    client.sendall(body[:10])
    return client, body


def _reply(client: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        more = client.recv(4096)
        assert more, f"the connection ended after {received!r}"
        received += more
    return received


def _refuses(site: Site) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(site.environment["PORT"])), timeout=1).close()
    except OSError:
        return True
    return False


def test_told_twice_a_worker_still_finishes_its_handler(
    tmp_path: Path, sqlite_url: str, redis_url: str
) -> None:
    with a_site(tmp_path, sqlite_url, redis_url) as site:
        worker = site.start("worker")
        worker.wait_for("worker_ready", deadline_seconds=60)
        busy, rest = site.send("slow.stopping", {"seconds": 60}, {"seconds": 0})
        child = wait_until(lambda: site.marks(busy), 30)[0].pid
        worker.terminate()
        wait_until(lambda: site.states([rest]) == [State.QUEUED])  # handed back: it was heard
        worker.terminate()
        psutil.Process(child).send_signal(signal.SIGTERM)
        site.let_slow_handlers_end()
        assert worker.wait(SOON_SECONDS) == 0
        assert site.states([busy, rest]) == [State.DONE, State.QUEUED]
        assert len(site.marks(busy, what="ended")) == 1


def test_told_to_stop_while_redis_hangs_every_process_ends_in_time(
    tmp_path: Path, sqlite_url: str, redis_url: str, valkey: Valkey
) -> None:
    with a_site(tmp_path, sqlite_url, redis_url) as site:
        processes = _all(site)
        busy, rest = site.send("slow.stopping", {"seconds": 60}, {"seconds": 0})
        wait_until(lambda: site.marks(busy), 30)
        valkey.pause()
        # Handed back while the handler is slow; and no job can be taken for it any more.
        wait_until(lambda: site.states([rest]) == [State.QUEUED], 30)
        began = _tell(processes)
        site.let_slow_handlers_end()
        assert _codes(processes, began) == {"receiver": 0, "worker": 0, "clock": 0}
        assert site.states([busy, rest]) == [State.DONE, State.QUEUED]


@pytest.mark.long
def test_told_to_stop_while_postgresql_hangs_every_process_ends_in_time_and_nobody_is_charged(
    tmp_path: Path, redis_url: str
) -> None:
    with PostgreSQL(in_memory=True) as server, a_site(tmp_path, server.fresh_database(), redis_url) as site:
        processes = _all(site)
        (event_id,) = site.send("slow.stopping", {"seconds": 60})
        wait_until(lambda: site.marks(event_id), 30)
        server.pause()
        time.sleep(2)  # the clock looks each second, a lease of three is renewed each: both now wait for it
        codes = _codes(processes, _tell(processes))
        assert all(code >= 0 for code in codes.values()), codes  # they ended, nobody killed them
        server.resume()
        site.let_slow_handlers_end()
        site.start("clock")
        site.start("worker")
        assert site.wait_until_settled([event_id], 60) == [State.DONE]
        assert site.detail(event_id).failures == ()
        assert len(site.marks(event_id, what="ended")) == 1


def _all(site: Site) -> dict[str, Started]:
    """Start one of each, and see them through their start."""
    started = {command: site.start(command) for command in ("receiver", "worker", "clock")}
    for command, process in started.items():
        process.wait_for(f"{command}_ready", deadline_seconds=60)
    return started


def _tell(processes: dict[str, Started]) -> float:
    for process in processes.values():
        process.terminate()
    return time.monotonic()


def _codes(processes: dict[str, Started], began: float) -> dict[str, int]:
    """Wait for the ends; gives the exit codes."""
    codes = {}
    for command, process in processes.items():
        # The receiver's own limit is that of its requests, see receiver/server.py.
        limit = SOON_SECONDS + (15 if command == "receiver" else GRACE_SECONDS)
        codes[command] = process.wait(max(0.1, began + limit - time.monotonic()))
    print(json.dumps(codes), f"after {time.monotonic() - began:.1f} s")
    return codes
