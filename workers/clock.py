"""The clock: sweeps for what is due, feeds replays to the queue; any number of clocks may run."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import structlog

from eventlog.clock_watch import ClockWatch
from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.held_leases import read_held_leases
from eventlog.lease_watch import LeaseWatch
from eventlog.lone_sweep import TURN, look_for_due, sweep_alone
from eventlog.setback import bring_nearer
from eventlog.states import State
from eventlog.sweep import Swept, is_any_left, sweep
from workers.lone_watch import LoneWatch
from workers.queue.redis_queue import EventQueue, QueueUnavailable
from workers.replay import ReplayFeeder

_TURN_SECONDS: Final = 0.25
_SHORTEST_TURN_SECONDS: Final = 0.01
"""Between two pieces of a replay, too: whoever waits to write goes first."""
_SWEEP_EVERY_SECONDS: Final = 1.0
_SKEW: Final = timedelta(seconds=3)
"""So far the clocks of two machines may be apart without a job being sent twice."""


class Clock:
    """Runs turns until told to stop."""

    def __init__(self, log: EventLog, queue: EventQueue, *, lease: timedelta) -> None:
        """`lease` is how long a worker's claim lasts."""
        self._log = log
        self._queue = queue
        self._feeder = ReplayFeeder(log, queue)
        self._lease_watch = LeaseWatch(lease_seconds=lease.total_seconds())
        self._clock_watch = ClockWatch()
        self._lone_watch = LoneWatch(log)
        self._swept_at = float("-inf")
        self._turn_seconds = _TURN_SECONDS
        self._feeds_on = False
        """Whether a replay could be fed more before the next turn."""
        self._sweeps_on = False
        """Whether the last sweep left something that is due."""
        self._sweeps_alone_on = False
        """Whether the last sweep of a queue of its own was full."""
        self._troubled = ""
        self._stopping = False
        self._logger = structlog.get_logger("clock")

    def stop(self) -> None:
        """End after this turn; safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        self._logger.info("clock_ready")
        while not self._stopping:
            until = time.monotonic()
            self.turn(until)
            until += self._turn_seconds
            while (self._feeds_on or self._sweeps_on) and not self._stopping and time.monotonic() < until:
                time.sleep(_SHORTEST_TURN_SECONDS)
                self.feed_on(time.monotonic())
            time.sleep(max(_SHORTEST_TURN_SECONDS, until - time.monotonic()))

    def turn(self, now: float) -> None:
        """Do what is due; `now` is of a monotonic clock, in seconds. Trouble is told once, and outlived."""
        is_time = now - self._swept_at >= _SWEEP_EVERY_SECONDS
        with self._outlived():
            # Before Redis is asked: while it is away, leases are watched all the same.
            ended = self._look(now) if is_time else {}
            backlog = self._queue.waiting_jobs()
            if is_time:
                self._swept_at = now
                self._sweep(ended)
            self._sweep_alone(with_queued=is_time or self._sweeps_alone_on)
            self._lone_watch.look(now)
            self._feeds_on = self._feeder.feed(now, backlog)
        self._log.checkpoint_if_due()

    def feed_on(self, now: float) -> None:
        """Sweep and feed replays between two turns, as fast as workers work them off."""
        with self._outlived():
            backlog = self._queue.waiting_jobs()
            if self._feeder.has_room(backlog) and self._sweeps_on:
                self._sweep({})
                backlog = self._queue.waiting_jobs()
            if self._feeder.has_room(backlog):
                self._feeds_on = self._feeder.feed(now, backlog)
        self._log.checkpoint_if_due()

    @contextmanager
    def _outlived(self) -> Iterator[None]:
        try:
            yield
        except (LogUnavailable, QueueUnavailable) as error:
            self._feeds_on = self._sweeps_on = False
            self._tell("log_unavailable" if isinstance(error, LogUnavailable) else "queue_unavailable", error)
        else:
            self._tell("", None)

    def _tell(self, trouble: str, error: Exception | None) -> None:
        if trouble and trouble != self._troubled:
            self._logger.warning(trouble, error=str(error))
        elif self._troubled and not trouble:
            self._logger.info("recovered", after=self._troubled)
        self._troubled = trouble

    def _look(self, now: float) -> Mapping[str, datetime]:
        """Look at the leases and at the database's clock; gives the leases that ended."""
        seen = read_held_leases(self._log)
        jump = self._clock_watch.observe(seen.database_now, asked=seen.asked, answered=seen.answered)
        ended = self._lease_watch.observe(
            seen.until, database_now=seen.database_now, jump=jump, monotonic=now
        )
        if jump:
            nearer = bring_nearer(self._log, jump=-jump) if jump < timedelta(0) else 0
            self._logger.warning(
                "database_clock_jumped", seconds=round(jump.total_seconds(), 1), brought_nearer=nearer
            )
        return ended

    def _sweep(self, ended: Mapping[str, datetime]) -> None:
        # Jobs are taken in order: what was queued after the oldest that waits may wait in a later one.
        late = _lateness(self._queue.oldest_wait())
        swept = sweep(self._log, ended=ended, queued_for=late)
        self._send(swept)
        self._sweeps_on = bool(swept) and is_any_left(self._log, queued_for=late)

    def _sweep_alone(self, *, with_queued: bool) -> None:
        """Sweep the queues of what runs alone; what its rate holds back comes at its time."""
        due = look_for_due(self._log, with_queued=with_queued)
        self._sweeps_alone_on = False
        for queue in due.queues:
            late = _lateness(self._queue.oldest_wait(queue)) if with_queued else None
            swept = sweep_alone(self._log, queue, queued_for=late)
            self._send(swept)
            self._sweeps_alone_on |= len(swept) >= TURN
        soon = _TURN_SECONDS if due.next_throttled_in is None else due.next_throttled_in.total_seconds()
        self._turn_seconds = min(_TURN_SECONDS, soon)

    def _send(self, swept: Sequence[Swept]) -> None:
        for (replay, queue), ids in _by_run(swept).items():
            self._queue.send(ids, replay=replay, queue=queue)
        for was, verb in ((State.RUNNING, "lease_expired"), (State.QUEUED, "job_missed")):
            found_ids = [found.event_id for found in swept if found.was is was]
            if found_ids:
                self._logger.info(verb, events=len(found_ids), first=found_ids[0])


def _lateness(waited: timedelta | None) -> timedelta:
    """Say for how long something may stay queued, where the oldest job has waited for so long."""
    return waited + _SKEW if waited else timedelta(0)


def _by_run(swept: Iterable[Swept]) -> dict[tuple[int, str | None], list[str]]:
    grouped: dict[tuple[int, str | None], list[str]] = {}
    for found in swept:
        grouped.setdefault((found.replay, found.queue), []).append(found.event_id)
    return grouped
