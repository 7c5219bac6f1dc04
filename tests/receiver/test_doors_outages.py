"""What both doors do while the log or Redis is away, and that they recover by themselves."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from eventlog.schema import upgrade
from eventlog.states import State
from eventlog.tables import metadata
from tests.receiver.running_door import DOORS, Reply, RunningDoor, an_event, running_door
from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until
from workers.queue.redis_queue import EventQueue


@pytest.fixture(params=DOORS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    """Return a Valkey that a test may stop and pause as it likes."""
    with Valkey() as server:
        yield server


def assert_unavailable(door: RunningDoor, reply: Reply) -> None:
    assert (reply.status, reply.error["code"]) == (503, "SERVICE_UNAVAILABLE"), reply
    assert int(reply.headers["retry-after"]) > 0
    assert reply.headers["x-request-id"] == reply.error["requestId"]
    assert "status=503" in door.logged(reply.error["requestId"])


def drop_tables(door: RunningDoor) -> None:
    with door.event_log.write() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))


@pytest.mark.long_on_both(otherwise="rsgi")
def test_without_its_tables_it_says_503_until_they_are_there_again(
    kind: str, database_url: str, redis_url: str
) -> None:
    with running_door(kind, database_url=database_url, redis_url=redis_url) as door:
        assert door.post(an_event("evt_before")).status == 202
        drop_tables(door)
        for _ in range(3):
            assert_unavailable(door, door.post(an_event("evt_during")))
        ready = door.request("GET", "/readyz")
        assert (ready.status, ready.json["status"], ready.json["log"]) == (503, "unavailable", "unavailable")
        assert door.request("GET", "/healthz").status == 200
        assert door.post(b"no JSON").status == 400

        upgrade(door.event_log)
        assert door.request("GET", "/readyz").status == 200
        assert door.post(an_event("evt_during")).status == 202
        assert door.stored("evt_during").seen == 1


@pytest.mark.long_on_both(otherwise="rsgi")
def test_while_another_process_holds_the_sqlite_file_it_says_503(
    kind: str, sqlite_url: str, redis_url: str
) -> None:
    with running_door(kind, database_url=sqlite_url, redis_url=redis_url) as door:
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert_unavailable(door, door.post(an_event("evt_locked")))
        assert door.request("GET", "/readyz").status == 200  # it can still be read
        other.execute("ROLLBACK")
        wait_until(
            lambda: door.post(an_event("evt_locked")).status == 202
        )  # after a wait in vain, not at once
        other.close()


def test_past_a_full_intake_it_says_503_at_once_and_the_others_are_accepted(
    kind: str, sqlite_url: str, redis_url: str
) -> None:
    limits = {"HOOKS_INTAKE_EVENTS": "2"}
    with (
        running_door(kind, database_url=sqlite_url, redis_url=redis_url, **limits) as door,
        ThreadPoolExecutor(max_workers=10) as clients,
    ):
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        posts = [clients.submit(door.post, an_event(f"evt_{number}")) for number in range(10)]
        # One batch is being written, two events are in the line.
        wait_until(lambda: sum(post.done() for post in posts) >= 5)
        other.execute("ROLLBACK")
        other.close()
        replies = [post.result() for post in posts]
        accepted = [reply.json["id"] for reply in replies if reply.status == 202]
        for reply in replies:
            if reply.status != 202:
                assert_unavailable(door, reply)
        assert 3 <= len(accepted) <= 5
        door.logged("2 events wait to be written")
        for event_id in accepted:
            assert door.stored(event_id).seen == 1


@pytest.mark.long_on_both(otherwise="rsgi")
def test_while_postgresql_is_stopped_it_says_503(
    kind: str, postgres: PostgreSQL, postgres_url: str, redis_url: str
) -> None:
    with running_door(kind, database_url=postgres_url, redis_url=redis_url) as door:
        assert door.post(an_event("evt_before")).status == 202
        postgres.stop()
        for _ in range(3):
            assert_unavailable(door, door.post(an_event("evt_during")))
        assert door.request("GET", "/readyz").status == 503
        assert door.request("GET", "/healthz").status == 200

        postgres.start()
        assert door.post(an_event("evt_during")).status == 202
        assert door.post(an_event("evt_before")).status == 200
        assert door.request("GET", "/readyz").status == 200


@pytest.mark.long_on_both(otherwise="rsgi")
@pytest.mark.parametrize("outage", ["stop", "pause"])
def test_without_redis_events_are_accepted_and_stay_queued_for_the_sweeper(
    kind: str, outage: str, sqlite_url: str, own_valkey: Valkey
) -> None:
    with running_door(kind, database_url=sqlite_url, redis_url=own_valkey.url) as door:
        getattr(own_valkey, outage)()
        ids = [f"evt_{number}" for number in range(20)]
        assert [door.post(an_event(event_id)).status for event_id in ids] == [202] * 20
        assert {door.stored(event_id).state for event_id in ids} == {State.QUEUED}
        assert door.stored("evt_0").due_at is not None
        ready = door.request("GET", "/readyz")
        assert (ready.status, ready.json["status"]) == (200, "ready")
        assert ready.json["queue"].startswith("unavailable")
        door.logged("queue_unavailable")


@pytest.mark.long_on_both(otherwise="rsgi")
def test_once_redis_is_back_new_events_are_queued_again(
    kind: str, sqlite_url: str, own_valkey: Valkey
) -> None:
    with running_door(kind, database_url=sqlite_url, redis_url=own_valkey.url) as door:
        own_valkey.stop()
        assert door.post(an_event("evt_during")).status == 202
        door.logged("queue_unavailable")
        own_valkey.start()
        queue = EventQueue.connect(own_valkey.url)

        def accept_another() -> int:
            assert door.post(an_event(f"evt_{len(door.log_lines())}")).status == 202
            return queue.waiting_jobs()

        wait_until(accept_another, every_seconds=0.1)
        queue.close()
        assert door.request("GET", "/readyz").json["queue"] == "ok"
