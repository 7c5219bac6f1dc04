"""Doubles of what a worker is made of, for users' tests: without Redis, processes, signals and real time."""

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from eventlog.database import EventLog
from eventlog.held_leases import read_held_leases
from eventlog.outcome import Closing, Result
from eventlog.settlement import settle
from handlers.outcome import HandlerTimeout
from workers.batch import Batch
from workers.clock import Clock
from workers.keeper import Keeper
from workers.page import Note, SharedPage
from workers.queue.redis_queue import IDS_A_JOB, EventQueue
from workers.surroundings import Surroundings
from workers.timer import HandlerTimer


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What RQ would hold."""

    event_ids: tuple[str, ...]
    replay: int
    queue: str | None


class QueueInMemory(EventQueue):
    """Jobs in the order in which they were sent, whichever queue they are for."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()

    def send(
        self,
        event_ids: Sequence[str],
        *,
        replay: int = 0,
        queue: str | None = None,
        ids_a_job: int = IDS_A_JOB,  # noqa: ARG002 - who asks for a job here gets all of it
    ) -> None:
        if event_ids:
            self._jobs.append(Job(event_ids=tuple(event_ids), replay=replay, queue=queue))

    def take(self) -> Job | None:
        """Take the oldest job, if there is any; from any thread."""
        try:
            return self._jobs.popleft()
        except IndexError:
            return None

    def ping(self) -> None: ...

    def waiting_jobs(self) -> int:
        return len(self._jobs)

    def oldest_wait(self, queue: str | None = None) -> timedelta | None:  # noqa: ARG002 - nothing waits here
        return None

    def close(self) -> None:
        self._jobs.clear()


class KeeperAtOnce(Keeper):
    """Records each outcome when it comes, in the thread of the handlers."""

    def __init__(self, log: EventLog, queue: EventQueue) -> None:
        super().__init__(log, queue, check_process=lambda: None)
        self._kept: Batch | None = None

    def watch(self, batch: Batch) -> None:
        self._kept = batch

    def add(self, results: Sequence[Result], closing: Closing | None = None) -> None:
        batch = self._kept
        assert batch is not None  # noqa: S101 - the runner has it watched first
        lost = settle(
            self._log,
            batch.hold,
            results=results,
            closings=[] if closing is None else [closing],
            after_commit=self.after_commit,
        )
        batch.lose(lost)

    def finish(self, hand_back_at_end: Collection[int] = ()) -> None:
        if hand_back_at_end and self._kept is not None:
            self._to_hand_back = set(hand_back_at_end)
            self._hand_back(self._kept)
        self._kept = None


class PageOfOneProcess(SharedPage):
    """Holds the last note; no parent reads it."""

    def __init__(self) -> None:
        self._note = Note()

    def write(self, note: Note) -> None:
        self._note = note

    def read(self) -> Note:
        return self._note

    def close(self) -> None: ...


class SurroundingsLeftAlone(Surroundings):
    """The test's own process: its streams, signals and folder are not the worker's to put back."""

    def __init__(self) -> None: ...

    def require_intact(self) -> None: ...

    def restore(self) -> None: ...


class SetTimer(HandlerTimer):
    """Strikes by a clock that the test sets, in whichever thread sets it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now
        self._limits = threading.local()

    def install(self) -> None: ...

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        self._limits.ends_at = self._now() + timedelta(seconds=seconds)
        self._limits.seconds = seconds
        try:
            yield
        finally:
            self._limits.ends_at = None

    def strike_if_late(self) -> None:
        """Raise what the handler of this thread gets when its time is up."""
        ends_at = getattr(self._limits, "ends_at", None)
        if ends_at is not None and self._now() >= ends_at:
            self._limits.ends_at = None
            raise HandlerTimeout(self._limits.seconds)

    def tighten(self, seconds: float, error: BaseException) -> None: ...

    def disarm(self) -> None: ...

    def resume(self) -> None: ...


class SteppedClock(Clock):
    """The clock process, turned by the test; the log's own clock alone ends leases."""

    def _look(self, now: float) -> Mapping[str, datetime]:  # noqa: ARG002
        seen = read_held_leases(self._log)
        return {lease: until for lease, until in seen.until.items() if until <= seen.database_now}
