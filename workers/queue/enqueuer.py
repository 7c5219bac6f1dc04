"""Third step: enqueue. Sends jobs off the request's path: at once when idle, in bundles under load."""

import threading
import time
from collections.abc import Sequence
from typing import Final

import structlog

from workers.queue.redis_queue import BEHIND_JOBS, IDS_A_JOB, IDS_A_JOB_BEHIND, EventQueue, QueueUnavailable

_JOB_EVERY_SECONDS: Final = 0.01
"""RQ's cost per job is milliseconds: under load, what arrives meanwhile shares one job."""

_BUSY_EVENTS_A_SECOND: Final = 800
_BUSY_JOB_EVERY_SECONDS: Final = 0.04
"""Where so many arrive: the jobs of several workers, who all have time, would else fill the machine."""

_BEHIND_SECONDS: Final = 0.1
"""Where jobs wait, all workers are at work: what arrives so long shares the next, larger one."""

_HELD_AT_MOST: Final = 20_000
_OPEN_SECONDS: Final = 2.0


def job_every_seconds(arrived: int, in_seconds: float) -> float:
    """Tell how long to gather events for the next job, after so many came for the one before."""
    is_busy = arrived >= _BUSY_EVENTS_A_SECOND * in_seconds
    return _BUSY_JOB_EVERY_SECONDS if is_busy else _JOB_EVERY_SECONDS


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
        self._drops_until = 0.0
        self._log = structlog.get_logger("receiver")
        self._thread = threading.Thread(target=self._send_jobs, name="enqueuer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, event_ids: Sequence[str]) -> None:
        """Send jobs for these events soon; never waits and never fails."""
        with self._changed:
            if len(self._ids) < _HELD_AT_MOST and time.monotonic() >= self._drops_until:
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
        every_seconds = _JOB_EVERY_SECONDS
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ids or self._closing)
            if not self._ids:
                return
            ids: list[str] = []
            began = time.monotonic()
            try:
                is_behind = self._hold_while_behind()
                began = time.monotonic()
                ids = self._take()
                self._queue.send(ids, ids_a_job=IDS_A_JOB_BEHIND if is_behind else IDS_A_JOB)
            except Exception as error:  # noqa: BLE001 - whatever went wrong, later events must get their jobs
                dropped = ids or self._take()
                self._open_breaker(len(dropped), error)
            every_seconds = job_every_seconds(len(ids), every_seconds)
            if not self._closing:
                time.sleep(max(0.0, every_seconds - (time.monotonic() - began)))

    def _take(self) -> list[str]:
        with self._changed:
            ids, self._ids = self._ids, []
        return ids

    def _hold_while_behind(self) -> bool:
        """Wait while jobs wait, within bounds; tells whether they still do."""
        until = time.monotonic() + _BEHIND_SECONDS
        while self._queue.waiting_jobs() >= BEHIND_JOBS:
            if self._closing or len(self._ids) >= IDS_A_JOB_BEHIND or time.monotonic() > until:
                return True
            time.sleep(_JOB_EVERY_SECONDS)
        return False

    def _open_breaker(self, dropped: int, error: Exception) -> None:
        with self._changed:
            self._drops_until = time.monotonic() + _OPEN_SECONDS
        if isinstance(error, QueueUnavailable):
            self._log.warning("queue_unavailable", left_to_the_sweeper=dropped, error=str(error))
        else:
            self._log.exception("enqueue_failed", left_to_the_sweeper=dropped)
