"""Third step: enqueue. Sends jobs off the request's path: at once when idle, in bundles under load."""

import threading
import time
from collections.abc import Sequence
from typing import Final

import structlog

from workers.queue.redis_queue import IDS_A_JOB, IDS_A_JOB_BEHIND, EventQueue, QueueUnavailable

_JOB_EVERY_SECONDS: Final = 0.01
"""RQ's cost per job is milliseconds: under load, what arrives meanwhile shares one job."""

_BEHIND_JOBS: Final = 8
_JOB_EVERY_SECONDS_BEHIND: Final = 0.1
"""Where so many jobs wait, nobody waits longer for a few more to share the next one."""

_HELD_AT_MOST: Final = 20_000
_OPEN_SECONDS: Final = 2.0


class Enqueuer:
    """A thread that sends jobs for new events; one that it can't send is left to the sweeper.

    After a failure it drops what it is offered for some seconds, so that a Redis that is down or hung
    costs nobody anything (a circuit breaker).
    """

    def __init__(self, queue: EventQueue) -> None:
        self._queue = queue
        self._ids: list[str] = []
        self._changed = threading.Condition()
        self._closing = False
        self._closed_until = 0.0
        self._log = structlog.get_logger("receiver")
        self._thread = threading.Thread(target=self._send_jobs, name="enqueuer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, event_ids: Sequence[str]) -> None:
        """Send jobs for these events soon; never waits and never fails."""
        with self._changed:
            if len(self._ids) < _HELD_AT_MOST and time.monotonic() >= self._closed_until:
                self._ids.extend(event_ids)
                self._changed.notify()

    def close(self) -> None:
        """Send what is held, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _send_jobs(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ids or self._closing)
                ids, self._ids = self._ids, []
                closing = self._closing
            if not ids:
                return
            began = time.monotonic()
            is_behind = self._send(ids)
            if not closing:
                pause = _JOB_EVERY_SECONDS_BEHIND if is_behind else _JOB_EVERY_SECONDS
                time.sleep(max(0.0, pause - (time.monotonic() - began)))  # no wait, that each offer would end

    def _send(self, ids: list[str]) -> bool:
        """Send what is held; tells whether the workers are behind."""
        try:
            is_behind = self._queue.waiting_jobs() >= _BEHIND_JOBS
            self._queue.send(ids, ids_a_job=IDS_A_JOB_BEHIND if is_behind else IDS_A_JOB)
        except QueueUnavailable as error:
            with self._changed:
                self._closed_until = time.monotonic() + _OPEN_SECONDS
            self._log.warning("queue_unavailable", left_to_the_sweeper=len(ids), error=str(error))
            return False
        return is_behind
