"""The RQ queues of events, reached in a way that never makes anyone wait for Redis."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

QUEUE_NAME: Final = "hooks"
"""Where all runs, but for the handlers that have a queue of their own."""
JOB_FUNCTION: Final = "workers.jobs.run_events"
IDS_A_JOB: Final = 200
"""At most this many events to a job, so that several workers share what arrives at once."""
IDS_A_JOB_BEHIND: Final = 1000
"""And where jobs wait already, so that all workers have some: RQ's cost per job is that of many events."""
BEHIND_JOBS: Final = 2
"""From so many waiting jobs on."""

_TIMEOUT_SECONDS: Final = 1.0
_FAILED_JOB_SECONDS: Final = 24 * 3600


class QueueUnavailable(Exception):  # noqa: N818 - named for what happened
    """Redis can't take jobs now; the events are in the log, and the sweeper sends what was missed."""


def rq_name(queue: str | None) -> str:
    """Give the name in RQ of a queue of our own."""
    return QUEUE_NAME if queue in (None, QUEUE_NAME) else f"{QUEUE_NAME}-{queue}"


def job_size(waiting_jobs: int) -> int:
    """Say how many events a job may have while so many jobs wait."""
    return IDS_A_JOB_BEHIND if waiting_jobs >= BEHIND_JOBS else IDS_A_JOB


class EventQueue:
    """Sends jobs; one object for any number of threads."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @classmethod
    def connect(cls, url: str) -> Self:
        """Connect on first use, with short timeouts and no retries: redis-py's defaults block for long."""
        return cls(
            Redis.from_url(
                url,
                socket_timeout=_TIMEOUT_SECONDS,
                socket_connect_timeout=_TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
        )

    def send(
        self,
        event_ids: Sequence[str],
        *,
        replay: int = 0,
        queue: str | None = None,
        ids_a_job: int = IDS_A_JOB,
    ) -> None:
        """Queue jobs for events of the log; with `queue`, for those of their deliveries that run alone there.

        Raises `QueueUnavailable`; then some may have been queued.
        """
        try:
            for start in range(0, len(event_ids), ids_a_job):
                self._queue(queue).enqueue_call(
                    JOB_FUNCTION,
                    args=(
                        list(event_ids[start : start + ids_a_job]),
                        replay,
                        *(() if queue is None else (queue,)),
                    ),
                    description="events",  # RQ makes its own of the ids where none is given
                    timeout=-1,  # each handler has a timeout of its own
                    result_ttl=0,
                    failure_ttl=_FAILED_JOB_SECONDS,
                )
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"the queue can't be reached: {error}") from error

    def ping(self) -> None:
        """Raise `QueueUnavailable` unless Redis answers."""
        try:
            self._redis.ping()
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"the queue can't be reached: {error}") from error

    def waiting_jobs(self) -> int:
        """Count the jobs that no worker has taken yet. Raises `QueueUnavailable`."""
        try:
            return int(self._queue(None).count)
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"the queue can't be reached: {error}") from error

    def oldest_wait(self, queue: str | None = None) -> timedelta | None:
        """Tell for how long the next job has waited; None where there is none. Raises `QueueUnavailable`."""
        try:
            sent_at = [job.enqueued_at for job in self._queue(queue).get_jobs(0, 1) if job.enqueued_at]
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"the queue can't be reached: {error}") from error
        return max(datetime.now(UTC) - sent_at[0], timedelta(0)) if sent_at else None

    def close(self) -> None:
        self._redis.close()

    def _queue(self, queue: str | None) -> Queue:
        return Queue(rq_name(queue), connection=self._redis, serializer=JSONSerializer)
