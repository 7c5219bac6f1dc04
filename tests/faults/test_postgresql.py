"""PostgreSQL away, hung, full, read-only and locked, under a steady stream of events."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psycopg
import pytest

from tests.faults.stage import Stage, stage
from tests.faults.stream import Stream, post
from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until

# Leases are short here: beside other tests a worker can be late with its renewal.
pytestmark = pytest.mark.alone

RECOVERY_SECONDS = 30


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgreSQL]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="module")
def running(own_postgres: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give one installation for all faults: after each it has to recover by itself, for the next to pass."""
    folder = tmp_path_factory.mktemp("postgresql")
    with (
        Valkey() as valkey,
        stage(folder, database_url=own_postgres.fresh_database(), redis_url=valkey.url) as it,
    ):
        it.start()
        yield it


def answered(it: Stage, name: str) -> int | None:
    """Send a new event; gives the status that it was answered with, None where nobody listens."""
    return post(it.ports[0], {"id": f"evt_{name}_{time.monotonic_ns()}", "type": "memory.stored"})


def refused(it: Stage, name: str) -> bool:
    """Tell whether a new event is refused, as it should be: with 503 and nothing else."""
    status = answered(it, name)
    assert status in (202, 503)
    return status == 503


@contextmanager
def a_fault(it: Stage, name: str, *, other_statuses: frozenset[int | None] = frozenset()) -> Iterator[Stream]:
    """Run a stream over a fault: it recovers by itself, and all that was acknowledged is done once."""
    with Stream(it.ports, seed=name) as stream:
        wait_until(lambda: len(stream.acknowledged) > 10, RECOVERY_SECONDS)
        yield stream
        wait_until(lambda: not refused(it, name), RECOVERY_SECONDS)
        seen = len(stream.acknowledged)
        wait_until(lambda: len(stream.acknowledged) > seen + 10, RECOVERY_SECONDS)
    it.wait_until_settled(stream.acknowledged)
    it.assert_promise_kept(stream.acknowledged)
    assert set(stream.statuses) <= {202, 200, 503} | other_statuses, stream.statuses
    assert all(member.process.is_running() for member in it.members), it.last_words()
    it.assert_no_traceback()


def set_for_all(postgres: PostgreSQL, name: str, value: str) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER SYSTEM SET {name} = {value}")
        connection.execute("SELECT pg_reload_conf()")


def test_away_and_back(running: Stage, own_postgres: PostgreSQL) -> None:
    with a_fault(running, "away") as stream:
        own_postgres.stop()
        wait_until(lambda: stream.statuses[503] > 20, RECOVERY_SECONDS)
        own_postgres.start()


def test_restarted_thrice(running: Stage, own_postgres: PostgreSQL) -> None:
    with a_fault(running, "restarted") as stream:
        for _ in range(3):
            own_postgres.restart()
            seen = len(stream.acknowledged)
            wait_until(lambda seen=seen: len(stream.acknowledged) > seen + 5, RECOVERY_SECONDS)  # type: ignore[misc]


def test_processes_that_start_while_it_is_away(running: Stage, own_postgres: PostgreSQL) -> None:
    with a_fault(running, "started", other_statuses=frozenset({None})):  # the receiver is killed
        own_postgres.stop()
        for member in running.members:
            running.kill(member)
        for member in running.members:
            verb = "receiver_ready" if member.command == "receiver" else "log_unavailable"
            member.process.wait_for(verb, deadline_seconds=RECOVERY_SECONDS)
        try:
            # A receiver says that it is ready a moment before it listens.
            wait_until(lambda: answered(running, "started") == 503)
        finally:
            own_postgres.start()  # the tests that follow use it too


def test_hung(running: Stage, own_postgres: PostgreSQL) -> None:
    with a_fault(running, "hung") as stream:
        own_postgres.pause()
        wait_until(lambda: stream.statuses[503] > 20, RECOVERY_SECONDS)
        own_postgres.resume()
    assert stream.slowest_seconds < 15


def test_read_only_in_a_failover(running: Stage, own_postgres: PostgreSQL) -> None:
    with a_fault(running, "readonly") as stream:
        set_for_all(own_postgres, "default_transaction_read_only", "on")
        wait_until(lambda: stream.statuses[503] > 20, RECOVERY_SECONDS)
        set_for_all(own_postgres, "default_transaction_read_only", "off")


@pytest.mark.long
def test_out_of_connections(running: Stage, own_postgres: PostgreSQL) -> None:
    terminate = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chaozcode-hooks'"
    )
    with a_fault(running, "connections") as stream, ExitStack() as taken:
        first = taken.enter_context(psycopg.connect(own_postgres.url(), autocommit=True))

        def all_taken() -> bool:
            first.execute(terminate)
            with suppress(psycopg.OperationalError):
                while True:
                    taken.enter_context(psycopg.connect(own_postgres.url()))
            return stream.statuses[503] > 5

        wait_until(all_taken, RECOVERY_SECONDS)


@pytest.mark.parametrize(
    "statement",
    ["LOCK TABLE events IN ACCESS EXCLUSIVE MODE", "SELECT FROM events FOR UPDATE", "LOCK TABLE deliveries"],
    ids=["the events' table", "all rows of events", "the deliveries' table"],
)
@pytest.mark.long
def test_locked(running: Stage, own_postgres: PostgreSQL, statement: str) -> None:
    with a_fault(running, "locked") as stream, psycopg.connect(running.database_url) as other:
        other.execute(statement)
        seen = sum(stream.statuses.values())
        wait_until(lambda: sum(stream.statuses.values()) > seen + 40, RECOVERY_SECONDS)
        other.rollback()


def test_a_log_that_lies_is_told_by_the_doctor(running: Stage, own_postgres: PostgreSQL) -> None:
    assert "can lose" not in doctor(running)
    set_for_all(own_postgres, "fsync", "off")
    try:
        assert "PostgreSQL runs with fsync off: a crash of its machine can lose" in " ".join(
            doctor(running).split()
        )
    finally:
        set_for_all(own_postgres, "fsync", "on")


def doctor(it: Stage) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "console", "doctor"],
        cwd=it.folder,
        env=it.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout
