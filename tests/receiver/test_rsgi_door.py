"""What granian's RSGI door owes beyond the contract: slow clients, and its life as processes."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from receiver.port import PortTaken, require_port
from tests.eventlog.wal import in_the_file, with_empty_wal
from tests.receiver.running_door import (
    LIMIT,
    RunningDoor,
    an_event,
    an_event_of,
    raw_request,
    read_all,
    running_door,
)
from tests.servers.postgres import PostgreSQL
from tests.servers.waiting import wait_until


@pytest.fixture
def rsgi(sqlite_url: str, redis_url: str) -> Iterator[RunningDoor]:
    with running_door("rsgi", database_url=sqlite_url, redis_url=redis_url, HOOKS_BODY_SECONDS="3") as door:
        yield door


def children(pid: int) -> list[int]:
    return [child for child, (parent, _) in processes().items() if parent == pid]


def has_ended(pid: int) -> bool:
    _, state = processes().get(pid, (0, "Z"))
    return state.startswith("Z")  # ended, though nobody has collected it


def processes() -> dict[int, tuple[int, str]]:
    """Return each process's parent and state."""
    said = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,state="], capture_output=True, check=True, text=True)
    rows = [line.split() for line in said.stdout.splitlines()]
    return {int(pid): (int(parent), state) for pid, parent, state in rows}


def is_free(port: int) -> bool:
    try:
        require_port("127.0.0.1", port)
    except PortTaken:
        return False
    return True


def test_clients_that_send_half_a_body_hold_up_nobody_and_are_told_408(rsgi: RunningDoor) -> None:
    whole = raw_request(an_event_of(LIMIT, "evt_slow"))
    with ExitStack() as stack:
        slow = [stack.enter_context(rsgi.connect()) for _ in range(200)]
        for connection in slow:
            connection.sendall(whole[:-1000])
        assert rsgi.post(an_event("evt_honest")).status == 202
        assert rsgi.request("GET", "/healthz").status == 200
        assert rsgi.request("GET", "/readyz").status == 200
        assert not any(has_answer(connection) for connection in slow)
        answers = [read_head(connection) for connection in slow]
    assert Counter(answer.split(b"\r\n")[0] for answer in answers) == {b"HTTP/1.1 408 Request Timeout": 200}
    assert b"REQUEST_TIMEOUT" in answers[0]
    assert rsgi.post(an_event("evt_after")).status == 202


@pytest.mark.parametrize("size", [100_000, 200_000], ids=["read at once", "read chunk by chunk"])
def test_a_large_body_that_does_not_come_gives_way_to_one_that_does(
    sqlite_url: str, redis_url: str, size: int
) -> None:
    bounds = {"HOOKS_MAX_BODY_BYTES": str(size), "HOOKS_ARRIVING_BYTES": str(size)}
    with running_door("rsgi", database_url=sqlite_url, redis_url=redis_url, **bounds) as door:
        with door.connect() as slow:
            slow.sendall(raw_request(an_event_of(size, "evt_slow"))[:-1000])
            wait_until(lambda: door.post(an_event_of(size, "evt_honest")).status in (200, 202))
            assert b" 503 " in read_head(slow).split(b"\r\n")[0]
        assert door.post(an_event_of(size, "evt_after")).status == 202


def test_half_of_a_body_that_is_read_chunk_by_chunk_is_told_408(sqlite_url: str, redis_url: str) -> None:
    size = 200_000
    bounds = {"HOOKS_MAX_BODY_BYTES": str(size), "HOOKS_BODY_SECONDS": "3"}
    with running_door("rsgi", database_url=sqlite_url, redis_url=redis_url, **bounds) as door:
        with door.connect() as slow:
            slow.sendall(raw_request(an_event_of(size, "evt_slow"))[: -size // 2])
            assert b" 408 " in read_head(slow).split(b"\r\n")[0]
        assert door.post(an_event_of(size, "evt_after")).status == 202


def test_half_of_a_small_body_is_told_408_and_holds_up_nobody(rsgi: RunningDoor) -> None:
    whole = raw_request(an_event("evt_small_and_slow"))
    with rsgi.connect() as slow:
        slow.sendall(whole[:-10])
        assert rsgi.post(an_event("evt_honest")).status == 202
        assert b" 408 " in read_head(slow).split(b"\r\n")[0]


def test_clients_that_send_half_a_head_hold_up_nobody(rsgi: RunningDoor) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(rsgi.connect()).sendall(
                b"POST /webhooks/chaozcode HTTP/1.1\r\nHost: x\r\nX-Chao"
            )
        assert rsgi.post(an_event("evt_honest")).status == 202


def test_a_slow_client_that_sends_on_in_time_is_accepted(rsgi: RunningDoor) -> None:
    whole = raw_request(an_event("evt_slow"), headers={"Connection": "close"})
    with rsgi.connect() as connection:
        for at in range(0, len(whole), 20):
            connection.sendall(whole[at : at + 20])
            rsgi.request("GET", "/healthz")
        assert b" 202 " in read_all(connection).partition(b"\r\n")[0]


def test_pipelined_requests_are_each_answered_in_order(rsgi: RunningDoor) -> None:
    bodies = [an_event("evt_1"), b"no JSON", an_event("evt_1"), an_event("evt_2")]
    requests = [raw_request(body) for body in bodies[:-1]]
    requests.append(raw_request(bodies[-1], headers={"Connection": "close"}))
    with rsgi.connect() as connection:
        connection.sendall(b"".join(requests))
        answers = read_all(connection)
    assert re.findall(rb"HTTP/1.1 (\d+) ", answers) == [b"202", b"400", b"200", b"202"]


def test_when_its_main_process_is_killed_the_others_end_and_the_port_is_free(rsgi: RunningDoor) -> None:
    workers = children(rsgi.pid)
    assert workers
    assert not is_free(rsgi.port)
    rsgi.kill()
    for worker in workers:
        wait_until(partial(has_ended, worker))
    assert is_free(rsgi.port)
    rsgi.start()
    assert rsgi.post(an_event("evt_after")).status == 202


def test_a_killed_worker_process_is_replaced(rsgi: RunningDoor) -> None:
    (worker,) = children(rsgi.pid)
    os.kill(worker, signal.SIGKILL)
    wait_until(partial(has_ended, worker))
    wait_until(rsgi._answers)
    assert rsgi.post(an_event("evt_after")).status == 202


def test_a_worker_process_that_dies_while_the_log_is_away_is_replaced_too(
    postgres: PostgreSQL, postgres_url: str, redis_url: str
) -> None:
    with running_door("rsgi", database_url=postgres_url, redis_url=redis_url) as door:
        postgres.stop()
        (worker,) = children(door.pid)
        os.kill(worker, signal.SIGKILL)
        wait_until(partial(has_ended, worker))
        wait_until(door._answers)
        assert door.post(an_event("evt_during")).status == 503
        postgres.start()
        assert door.post(an_event("evt_during")).status == 202


def test_what_was_acknowledged_before_a_stop_is_stored(rsgi: RunningDoor) -> None:
    acknowledged: list[str] = []
    enough = threading.Event()

    def send(client: int) -> None:
        for number in range(100_000):
            event_id = f"evt_{client}_{number}"
            try:
                reply = rsgi.post(an_event(event_id))
            except OSError:
                return
            if reply.status == 202:
                acknowledged.append(event_id)
            if len(acknowledged) > 100:
                enough.set()

    threads = [threading.Thread(target=send, args=(client,)) for client in range(8)]
    for thread in threads:
        thread.start()
    assert enough.wait(20)
    rsgi.stop()
    for thread in threads:
        thread.join()
    assert is_free(rsgi.port)
    for event_id in acknowledged:
        assert rsgi.stored(event_id).seen == 1
    rsgi.start()


def test_a_stop_is_heard_while_its_processes_still_start(sqlite_url: str, redis_url: str) -> None:
    several = {"HOOKS_RECEIVER_PROCESSES": "4"}
    with running_door("rsgi", database_url=sqlite_url, redis_url=redis_url, **several) as door:
        for _ in range(3):  # the first process answers, the others still load
            door.stop()  # fails after 10 s, when granian would not yet have killed what did not hear it
            door.start()


@pytest.mark.long_on_both(otherwise="postgresql")
def test_several_processes_accept_one_of_fifty_copies(database_url: str, redis_url: str) -> None:
    several = {"HOOKS_RECEIVER_PROCESSES": "3"}
    with running_door("rsgi", database_url=database_url, redis_url=redis_url, **several) as door:
        statuses: list[int] = []
        start = threading.Barrier(50)

        def send() -> None:
            start.wait()
            statuses.append(door.post(an_event("evt_fifty")).status)

        threads = [threading.Thread(target=send) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(statuses) == {202: 1, 200: 49}
        assert door.stored("evt_fifty").seen == 50


def has_answer(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(20)


def read_head(connection: socket.socket) -> bytes:
    """Read one answer that fits into one packet."""
    return connection.recv(4096)


STARTED_AND_STOPPED = """
import asyncio, gc, sys
from console.receiver_application import create

loop = asyncio.new_event_loop()
door = create()
door.__rsgi_init__(loop)
print(gc.get_freeze_count() / len(gc.get_objects()), file=sys.stderr)
door.__rsgi_del__(loop)
"""


def test_the_garbage_collector_passes_over_what_was_loaded_before_the_first_request(
    sqlite_url: str, redis_url: str
) -> None:
    # Looking through all of it, about once a second under load, stops every request for 50 ms.
    told = subprocess.run(
        [sys.executable, "-c", STARTED_AND_STOPPED],
        env={
            **os.environ,
            "DATABASE_URL": sqlite_url,
            "REDIS_URL": redis_url,
            "CHAOZCODE_WEBHOOK_SECRET": "whsec_of_the_test",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert float(told.stderr) > 10


def test_what_was_accepted_is_moved_from_sqlites_wal_between_commits(sqlite_url: str, redis_url: str) -> None:
    with running_door("rsgi", database_url=sqlite_url, redis_url=redis_url) as door:
        database = with_empty_wal(sqlite_url)
        for number in range(60):  # none of these commits does it
            assert door.post(an_event(f"evt_{number}")).status == 202
        wait_until(lambda: in_the_file(database) > 0)
