import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.registry import DeferredJobRegistry, FailedJobRegistry
from rq.serializers import JSONSerializer
from rq.suspension import suspend

from tests.servers.valkey import Valkey
from workers.queue.redis_queue import JOB_FUNCTION, QUEUE_NAME, EventQueue, QueueUnavailable
from workers.queue.registries import QueueRegistries, Registry, oldest_wait
from workers.rq_worker import EventWorker


@pytest.fixture
def registries(redis_url: str) -> Iterator[QueueRegistries]:
    registries = QueueRegistries.connect(redis_url)
    yield registries
    registries.close()


@pytest.fixture
def redis(valkey: Valkey, redis_url: str) -> Iterator[Redis]:
    with valkey.client() as client:
        yield client


def job_ids(redis: Redis) -> list[str]:
    return Queue(QUEUE_NAME, connection=redis).get_job_ids()


def put(redis: Redis, called: Any) -> str:
    """Queue a job whose data is this."""
    job_id = f"job{redis.incr('count')}"
    data = called if isinstance(called, bytes) else zlib.compress(json.dumps(called).encode())
    redis.hset(Job.key_for(job_id), mapping={"data": data, "enqueued_at": "2026-01-30T12:00:00.000000Z"})
    redis.rpush(f"rq:queue:{QUEUE_NAME}", job_id)
    return job_id


def test_an_empty_queue_holds_nothing(registries: QueueRegistries) -> None:
    found = registries.read()
    assert (found.waiting, found.jobs, found.entries, found.vanished_workers) == (0, (), (), 0)
    assert found.is_whole
    assert not found.is_suspended
    assert oldest_wait(found) is None


def test_waiting_jobs_are_read_with_what_they_name(queue: EventQueue, registries: QueueRegistries) -> None:
    queue.send(["a", "b"])
    queue.send(["c"], replay=7)
    found = registries.read()
    assert [(job.event_ids, job.replay, job.defect) for job in found.jobs] == [
        (("a", "b"), 0, None),
        (("c",), 7, None),
    ]
    waited = oldest_wait(found)
    assert waited is not None
    assert timedelta(0) <= waited < timedelta(minutes=5)


@pytest.mark.parametrize(
    "called",
    [
        b"no zlib",
        zlib.compress(b"no JSON"),
        ["os.system", None, [["a"], 0], {}],
        [JOB_FUNCTION, None, [[1], 0], {}],
        [JOB_FUNCTION, None, [["a\x00"], 0], {}],
        [JOB_FUNCTION, None, [["\ud800"], 0], {}],
        [JOB_FUNCTION, None, [["a"], 2**70], {}],
        [JOB_FUNCTION, None, {}, {}],
        {"a": 1},
    ],
)
def test_jobs_that_no_worker_can_run_are_told_and_removed(
    queue: EventQueue, registries: QueueRegistries, redis: Redis, called: Any
) -> None:
    queue.send(["good"])
    bad = put(redis, called)
    found = registries.read()
    unreadable = [job for job in found.jobs if job.defect]
    assert [job.id for job in unreadable] == [bad]
    assert unreadable[0].sent_at == datetime(2026, 1, 30, 12, tzinfo=UTC)
    assert registries.remove_waiting(unreadable) == 1
    assert registries.remove_waiting(unreadable) == 0
    assert not redis.exists(Job.key_for(bad))
    assert [job.event_ids for job in registries.read().jobs] == [("good",)]


def test_a_job_whose_data_is_gone_is_told(registries: QueueRegistries, redis: Redis) -> None:
    redis.rpush(f"rq:queue:{QUEUE_NAME}", "gone")
    (job,) = registries.read().jobs
    assert job.defect == "it has no data"


def test_what_registries_were_left_with_is_told_and_removed(
    queue: EventQueue, registries: QueueRegistries, redis: Redis
) -> None:
    queue.send(["a"])
    queue.send(["b"])
    first, second = job_ids(redis)
    redis.delete(f"rq:queue:{QUEUE_NAME}")
    rq_queue = Queue(QUEUE_NAME, connection=redis, serializer=JSONSerializer)
    for registry, job_id in ((FailedJobRegistry, first), (DeferredJobRegistry, second)):
        redis.zadd(registry(queue=rq_queue).key, {job_id: 2**40})
    found = registries.read()
    assert {(entry.registry, entry.job.event_ids) for entry in found.entries} == {
        (Registry.FAILED, ("a",)),
        (Registry.DEFERRED, ("b",)),
    }
    assert registries.remove_entries(found.entries) == 2
    assert registries.remove_entries(found.entries) == 0
    assert registries.read().entries == ()
    assert not redis.exists(Job.key_for(first), Job.key_for(second))


def test_a_started_job_is_left_only_once_its_worker_is_gone(
    queue: EventQueue, registries: QueueRegistries, redis: Redis, redis_url: str
) -> None:
    queue.send(["a"])
    worker = EventWorker.connect(redis_url)
    worker.register_birth()  # type: ignore[no-untyped-call]
    job = worker.queues[0].get_jobs()[0]
    worker.prepare_execution(job)
    redis.delete(f"rq:queue:{QUEUE_NAME}")
    assert registries.read().entries == ()
    assert registries.read().vanished_workers == 0
    redis.delete(worker.key)  # as when it expires after a SIGKILL
    found = registries.read()
    assert [(entry.registry, entry.job.event_ids) for entry in found.entries] == [(Registry.STARTED, ("a",))]
    assert found.vanished_workers == 1
    assert registries.forget_vanished_workers() == 1
    assert registries.remove_entries(found.entries) == 1
    assert registries.read().entries == ()
    assert registries.read().vanished_workers == 0


def test_suspended_workers_are_told(registries: QueueRegistries, redis: Redis) -> None:
    suspend(redis)
    assert registries.read().is_suspended


def test_a_redis_that_is_away_is_told(tmp_path: object) -> None:
    registries = QueueRegistries.connect(f"unix://{tmp_path}/none")
    with pytest.raises(QueueUnavailable):
        registries.read()
