from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from console.doctor.finding import Finding, Level
from console.doctor.queue import check_queue
from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from tests.eventlog.stored import accept, opened
from tests.servers.valkey import Valkey
from workers.queue.held_job import HeldJob
from workers.queue.redis_queue import QUEUE_NAME, EventQueue
from workers.queue.registries import Entry, QueueContents, QueueRegistries, Registry

LONG = timedelta(minutes=5)


@pytest.fixture
def log(sqlite_url: str) -> Iterator[EventLog]:
    with closing(opened(sqlite_url)) as log:
        yield log


@pytest.fixture
def redis(valkey: Valkey, redis_url: str) -> Iterator[Redis]:
    with valkey.client() as client:
        yield client


def contents(
    *jobs: HeldJob,
    waiting: int | None = None,
    entries: tuple[Entry, ...] = (),
    is_suspended: bool = False,
) -> QueueContents:
    return QueueContents(
        waiting=len(jobs) if waiting is None else waiting,
        jobs=jobs,
        entries=entries,
        vanished_workers=0,
        is_suspended=is_suspended,
    )


def look(found: QueueContents, log: EventLog | None) -> Finding:
    """Give the one finding there is to be."""
    (finding,) = check_queue(found, log)
    return finding


def test_waiting_jobs_that_name_stored_events_are_well(log: EventLog) -> None:
    accept(log, "a", "b")
    finding = look(contents(HeldJob(id="j", event_ids=("a", "b"), sent_at=datetime.now(UTC))), log)
    assert finding.level is Level.OK
    assert "1 jobs wait, for 2 events" in finding.message


def test_events_that_only_the_queue_knows_are_named(log: EventLog) -> None:
    accept(log, "a")
    finding = look(contents(HeldJob(id="j", event_ids=("a", "foreign"))), log)
    assert (finding.level, finding.ids) == (Level.WARNING, ("foreign",))


def test_old_jobs_unread_jobs_and_suspended_workers_are_told() -> None:
    old = HeldJob(id="j", sent_at=datetime.now(UTC) - timedelta(hours=5))
    assert "5 h old" in look(contents(old), None).message
    assert "6,000 jobs wait, of which 5,000 were read" in look(contents(waiting=6000), None).message
    assert look(contents(is_suspended=True), None).todo == "run: rq resume"


def test_a_started_job_is_not_left_while_its_events_are_held(log: EventLog) -> None:
    accept(log, "held", "free")
    claim(log, Hold(lease=new_lease(), replay=0), ["held"], duration=LONG)

    def started(event_id: str) -> QueueContents:
        job = HeldJob(id="j", event_ids=(event_id,))
        return contents(entries=(Entry(registry=Registry.STARTED, name="j:1", job=job),))

    assert look(started("held"), log).level is Level.OK
    assert look(started("free"), log).level is Level.WARNING
    assert look(started("free"), None).level is Level.OK  # nobody can tell


def test_what_is_of_no_use_is_removed_once(log: EventLog, redis: Redis, redis_url: str) -> None:
    accept(log, "a")
    with closing(EventQueue.connect(redis_url)) as queue:
        queue.send(["a"])
    redis.rpush(f"rq:queue:{QUEUE_NAME}", "empty")
    redis.zadd(f"rq:failed:{QUEUE_NAME}", {"failed": 2**40})
    redis.zadd(f"rq:scheduled:{QUEUE_NAME}", {"scheduled": 2**40})
    redis.sadd(f"rq:workers:{QUEUE_NAME}", "rq:worker:gone")
    with closing(QueueRegistries.connect(redis_url)) as registries:
        before = list(check_queue(registries.read(), log))
        assert {(one.check, one.level) for one in before} == {
            ("jobs", Level.PROBLEM),
            ("failed jobs", Level.WARNING),
            ("scheduled jobs", Level.WARNING),
            ("rq workers", Level.WARNING),
        }
        mended = list(check_queue(registries.read(), log, registries=registries))
        assert {one.check for one in mended} == {one.check for one in before}
        assert {one.level for one in mended} == {Level.MENDED}
        (after,) = check_queue(registries.read(), log, registries=registries)
    assert after.level is Level.OK
    assert "1 jobs wait, for 1 events" in after.message
