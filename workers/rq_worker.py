"""RQ's worker, fitted to a supervised process: its parent times and restarts it, not RQ."""

from types import FrameType
from typing import Final

from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

from workers.queue.redis_queue import QUEUE_NAME

_TTL_SECONDS: Final = 30
"""RQ waits for a job for half of this at a time, and for an answer of Redis at most 25 s."""


class EventWorker(SimpleWorker):
    """Takes jobs from the one queue and runs them in this process."""

    # RQ's own leaves an alarm behind; jobs have no timeout here, handlers have (workers.timer).
    death_penalty_class = TimerDeathPenalty

    @classmethod
    def connect(cls, url: str) -> "EventWorker":
        redis = Redis.from_url(url)
        queue = Queue(QUEUE_NAME, connection=redis, serializer=JSONSerializer)
        return cls([queue], connection=redis, serializer=JSONSerializer, worker_ttl=_TTL_SECONDS)

    def _install_signal_handlers(self) -> None:
        """Leave the signals to the process (workers.child)."""

    def request_stop(self, signum: int | None = None, frame: FrameType | None = None) -> None:  # noqa: ARG002
        """Stop after the job at hand; asks Redis nothing, which may be down."""
        self._stop_requested = True

    def stop_waiting(self) -> None:
        """Leave the wait for a job, from a signal handler."""
        self.request_stop()
        raise StopRequested
