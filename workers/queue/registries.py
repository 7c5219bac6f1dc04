"""What RQ holds of ours, for `hooks doctor`: waiting jobs, and what its registries were left with."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE
from rq.job import Job
from rq.queue import Queue
from rq.registry import (
    BaseRegistry,
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
)
from rq.serializers import JSONSerializer
from rq.suspension import is_suspended
from rq.worker.base import BaseWorker
from rq.worker_registration import clean_worker_registry, get_keys

from workers.queue.held_job import HeldJob, as_text, read_job
from workers.queue.redis_queue import QueueUnavailable, rq_name

JOBS_AT_MOST: Final = 5000
"""More waiting jobs, or entries of a registry, are not read."""

_TIMEOUT_SECONDS: Final = 5.0
_TURN: Final = 500


class Registry(StrEnum):
    """RQ's lists of jobs that don't wait."""

    STARTED = "started"
    FAILED = "failed"
    DEFERRED = "deferred"
    SCHEDULED = "scheduled"
    CANCELED = "canceled"


_KINDS: Final[dict[Registry, type[BaseRegistry]]] = {
    Registry.STARTED: StartedJobRegistry,
    Registry.FAILED: FailedJobRegistry,
    Registry.DEFERRED: DeferredJobRegistry,
    Registry.SCHEDULED: ScheduledJobRegistry,
    Registry.CANCELED: CanceledJobRegistry,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a registry."""

    registry: Registry
    name: str
    job: HeldJob


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueContents:
    """All that one look found."""

    waiting: int
    jobs: tuple[HeldJob, ...]
    """The first of those that wait."""
    entries: tuple[Entry, ...]
    """What no living worker will take out again: of started jobs only the abandoned."""
    vanished_workers: int
    """Registered, and gone without signing off."""
    is_suspended: bool
    """Whether somebody told all workers to take no jobs."""

    @property
    def is_whole(self) -> bool:
        """Whether all waiting jobs were read."""
        return self.waiting <= JOBS_AT_MOST


class QueueRegistries:
    """Reads and mends what RQ holds. Everything raises `QueueUnavailable`."""

    def __init__(self, redis: Redis, queue: str | None = None) -> None:
        self._redis = redis
        self._queue = Queue(rq_name(queue), connection=redis, serializer=JSONSerializer)
        self._registries = {
            registry: kind(queue=self._queue, serializer=JSONSerializer) for registry, kind in _KINDS.items()
        }

    @classmethod
    def connect(cls, url: str, queue: str | None = None) -> "QueueRegistries":
        """Connect on first use, to our own queue or to one that handlers have of theirs."""
        return cls(
            Redis.from_url(
                url,
                socket_timeout=_TIMEOUT_SECONDS,
                socket_connect_timeout=_TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 0),
            ),
            queue,
        )

    def read(self) -> QueueContents:
        """Read what is there, some thousand jobs at most; it changes nothing."""
        with _unavailable_told():
            jobs = self._read_jobs(self._waiting_ids())
            still = set(self._waiting_ids())
            return QueueContents(
                waiting=int(self._redis.llen(self._queue.key)),
                # A worker takes jobs meanwhile, and what it took may be gone already.
                jobs=tuple(job for job in jobs if job.id in still),
                entries=tuple(self._left_entries()),
                vanished_workers=len(self._vanished_workers()),
                is_suspended=bool(is_suspended(self._redis)),
            )

    def remove_waiting(self, jobs: Sequence[HeldJob]) -> int:
        """Take jobs out of the queue that no worker has taken yet; gives how many."""
        with _unavailable_told():
            removed = 0
            for job in jobs:
                if self._redis.lrem(self._queue.key, 1, job.id):
                    self._redis.delete(Job.key_for(job.id))
                    removed += 1
            return removed

    def remove_entries(self, entries: Sequence[Entry]) -> int:
        """Take entries out of their registries, with their jobs where those wait nowhere; gives how many."""
        with _unavailable_told():
            removed = 0
            for entry in entries:
                if self._redis.zrem(self._registries[entry.registry].key, entry.name):
                    removed += 1
                    if self._redis.lpos(self._queue.key, entry.job.id) is None:
                        self._redis.delete(Job.key_for(entry.job.id))
            return removed

    def forget_vanished_workers(self) -> int:
        with _unavailable_told():
            vanished = len(self._vanished_workers())
            clean_worker_registry(self._queue)
            return vanished

    def close(self) -> None:
        self._redis.close()

    def _waiting_ids(self) -> list[str]:
        return [as_text(each) for each in self._redis.lrange(self._queue.key, 0, JOBS_AT_MOST - 1)]

    def _read_jobs(self, ids: Sequence[str]) -> Iterator[HeldJob]:
        for start in range(0, len(ids), _TURN):
            turn = ids[start : start + _TURN]
            with self._redis.pipeline(transaction=False) as pipeline:
                for job_id in turn:
                    pipeline.hmget(Job.key_for(job_id), "data", "enqueued_at")
                answers = pipeline.execute(raise_on_error=False)
            for job_id, answer in zip(turn, answers, strict=True):
                yield read_job(job_id, answer)

    def _left_entries(self) -> Iterator[Entry]:
        for registry in Registry:
            names = self._names(registry)
            if registry is Registry.STARTED and names:
                at_work = self._at_work()
                still = set(self._names(registry))  # what ended meanwhile is no longer at work
                names = [name for name in names if name in still and name not in at_work]
            jobs = self._read_jobs([_job_id(name) for name in names])
            for name, job in zip(names, jobs, strict=True):
                yield Entry(registry=registry, name=name, job=job)

    def _names(self, registry: Registry) -> list[str]:
        entries = self._redis.zrange(self._registries[registry].key, 0, JOBS_AT_MOST - 1)
        return [as_text(each) for each in entries]

    def _at_work(self) -> set[str]:
        """Give the executions of the workers that live; begun and ended in one step with the registry's."""
        living = get_keys(self._queue) - set(self._vanished_workers())
        names = (key.removeprefix(BaseWorker.redis_worker_namespace_prefix) for key in living)
        keys = [WORKER_EXECUTIONS_KEY_TEMPLATE.format(name) for name in names]
        return {as_text(each) for key in keys for each in self._redis.smembers(key)}

    def _vanished_workers(self) -> list[str]:
        keys = sorted(get_keys(self._queue))
        return [key for key in keys if not self._redis.exists(key)]


def _job_id(name: str) -> str:
    return name.partition(":")[0]


def oldest_wait(contents: QueueContents) -> timedelta | None:
    """Say how long the first of the waiting jobs has waited."""
    sent = [job.sent_at for job in contents.jobs if job.sent_at is not None]
    return datetime.now(UTC) - min(sent) if sent else None


@contextmanager
def _unavailable_told() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise QueueUnavailable(f"the queue can't be reached: {error}") from error
