"""RQ's worker, fitted to a supervised process: its parent times and restarts it, not RQ."""

import logging
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty
from rq.worker.base import WorkerStatus

from workers.queue.redis_queue import rq_name

_SAY_AGAIN_SECONDS: Final = 60.0
_TTL_SECONDS: Final = 30
"""RQ waits for a job for half of this at a time, and for an answer of Redis at most 25 s."""

_SIGN_OFF_SECONDS: Final = 1.0
_BEAT_EVERY_SECONDS: Final = 1.0


class _OnceInAWhile(logging.Filter):
    """Lets RQ say that Redis is away once in a while; not every second, and without tracebacks."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], RedisError | OSError):
            return False  # it ends RQ's loop, and whoever begins it again says why (workers.child)
        if "could not connect to Redis" not in record.getMessage():
            return True
        said_at, self._said_at = self._said_at, time.monotonic()
        if self._said_at - said_at > _SAY_AGAIN_SECONDS:
            return True
        self._said_at = said_at
        return False


class EventWorker(SimpleWorker):
    """Takes jobs from the one queue and runs them in this process."""

    # RQ's own leaves an alarm behind; jobs have no timeout here, handlers have (workers.timer).
    death_penalty_class = TimerDeathPenalty

    _is_executing = False
    _leaving: Redis
    _state_told: str | None = None
    _beat_at = float("-inf")
    _asked_at = float("-inf")

    @classmethod
    def connect(cls, url: str, queue: str | None = None) -> "EventWorker":
        logger = logging.getLogger("rq.worker")
        if not any(isinstance(each, _OnceInAWhile) for each in logger.filters):
            logger.addFilter(_OnceInAWhile())
        redis = Redis.from_url(url)
        # One queue only: of two, a popped job can be lost for good.
        taken_from = Queue(rq_name(queue), connection=redis, serializer=JSONSerializer)
        worker = cls([taken_from], connection=redis, serializer=JSONSerializer, worker_ttl=_TTL_SECONDS)
        worker._leaving = Redis.from_url(
            url,
            socket_timeout=_SIGN_OFF_SECONDS,
            socket_connect_timeout=_SIGN_OFF_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        return worker

    def _set_ip_address(self, connection: Redis) -> None:
        try:
            super()._set_ip_address(connection)
        except ValueError:  # redis-py can't read a unix socket's path that holds a space or an equals sign
            self.ip_address = "unknown"

    def _install_signal_handlers(self) -> None:
        """Leave the signals to the process (workers.child)."""

    def request_stop(self, signum: int | None = None, frame: FrameType | None = None) -> None:  # noqa: ARG002
        """Stop after the job at hand, or leave the wait for one; called in a signal handler.

        It asks Redis nothing, which may be down. Raises `StopRequested` wherever it interrupted the wait.
        """
        self._stop_requested = True
        if not self._is_executing:
            raise StopRequested

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job, with one message to Redis before it and one after it.

        RQ's own way takes twenty, for what our jobs don't have: results, dependents, timeouts, repeats.
        """
        self._is_executing = True
        try:
            execution = self._begin(job, queue)
            try:
                job.perform()
            except:  # noqa: E722 - as RQ does: whatever it was, the job is over
                self._finalize_failure(job, queue, execution, sys.exc_info())
            else:
                self._end(job, execution)
        finally:
            self._is_executing = False

    def _begin(self, job: Job, queue: Queue) -> Execution:
        seconds = self.get_heartbeat_ttl(job)
        with self.connection.pipeline() as pipeline:
            execution = Execution.create(job, seconds, pipeline=pipeline, worker_name=self.name)
            self.executions[execution.id] = execution
            self.set_state(WorkerStatus.BUSY, pipeline=pipeline)
            self.heartbeat(seconds, pipeline=pipeline)
            job.prepare_for_execution(self.name, pipeline=pipeline)
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.execute()
        return execution

    def _end(self, job: Job, execution: Execution) -> None:
        with self.connection.pipeline() as pipeline:
            self.increment_successful_job_count(pipeline=pipeline)
            self.cleanup_execution(job, pipeline=pipeline, execution=execution)
            pipeline.delete(job.key)
            self.set_state(WorkerStatus.IDLE, pipeline=pipeline)
            pipeline.execute()

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Tell Redis what it was not told last; RQ asks for this several times a job."""
        if pipeline is not None or state != self._state_told:
            super().set_state(state, pipeline)
        self._state_told = state

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Show that it lives, about once a second; RQ asks for this several times a job."""
        if pipeline is not None or time.monotonic() - self._beat_at > _BEAT_EVERY_SECONDS:
            super().heartbeat(timeout, pipeline)
            self._beat_at = time.monotonic()

    def check_for_suspension(self, burst: bool) -> None:
        """Ask about once a second whether all workers are to pause (`rq suspend`)."""
        if time.monotonic() - self._asked_at > _BEAT_EVERY_SECONDS:
            super().check_for_suspension(burst)
            self._asked_at = time.monotonic()

    def teardown(self) -> None:
        """Sign off, if Redis answers at once: RQ's own way waits for one that hangs."""
        self.connection = self._leaving
        with suppress(RedisError, OSError):
            self.register_death()  # type: ignore[no-untyped-call]
        if self.pubsub_thread:
            self.pubsub_thread.stop()
