"""Second step: intake. One committer per process writes what has arrived at once (group commit)."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

import structlog

from eventlog.arrival import Receipt
from eventlog.errors import LogUnavailable
from eventlog.event import Event
from receiver.commit_pace import CommitPace
from receiver.waiters import Outcome, Waiter, still_waits, tell

_BATCH_EVENTS: Final = 256
_BATCH_BYTES: Final = 4 * 1024 * 1024

_BUSY_EVENTS: Final = 8
_LINGER_SECONDS: Final = 0.002
"""After a batch of so many, who arrives within a moment shares the next commit: that saves more time.

The moment ends when as many have come as there are senders at the time, as far as can be seen.
"""

Record = Callable[[Sequence[Event]], Sequence[Receipt]]
"""Makes a batch durable and tells, in order, what became of each; raises `LogUnavailable`."""

Recorded = Callable[[Sequence[str]], None]
"""Is told the ids of new events, after they are durable and their senders were answered."""


class IntakeFull(Exception):  # noqa: N818 - named for what happened
    """More events wait to be written than may, or for longer than they may."""


class Intake:
    """The waiting line before the event log; anyone may submit, from any thread."""

    def __init__(
        self,
        record: Record,
        recorded: Recorded,
        *,
        capacity_events: int,
        capacity_bytes: int,
        longest_wait_seconds: float,
        between_commits: Callable[[], None],
    ) -> None:
        """`between_commits` tidies up, and never fails: who was answered takes a moment to send the next."""
        self._record = record
        self._recorded = recorded
        self._between_commits = between_commits
        self._capacity_events = capacity_events
        self._capacity_bytes = capacity_bytes
        self._longest_wait_seconds = longest_wait_seconds
        self._pace = CommitPace()
        self._line: deque[tuple[Event, Waiter]] = deque()
        self._line_bytes = 0
        self._changed = threading.Condition()
        self._closing = False
        self._last_batch_events = 0
        self._senders = 0
        self._wake_at_events = 1
        self._log = structlog.get_logger("receiver")
        self._committer = threading.Thread(target=self._commit_batches, name="committer", daemon=True)

    def start(self) -> None:
        self._committer.start()

    def submit(self, event: Event) -> "Future[Receipt]":
        """Line an event up; the future resolves when it is durable.

        The future raises `LogUnavailable` when it could not be stored. Raises `IntakeFull` at once when
        the line is full or closed, or moves so slowly that the sender is better told to come back.
        """
        future: Future[Receipt] = Future()
        self._line_up(event, future)
        return future

    def submit_in_loop(self, event: Event, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[Receipt]":
        """Line an event up as `submit` does, for a request in an event loop."""
        future: asyncio.Future[Receipt] = loop.create_future()
        self._line_up(event, future)
        return future

    def _line_up(self, event: Event, waiter: Waiter) -> None:
        with self._changed:
            if (reason := self._reason_to_refuse(event)) is not None:
                raise IntakeFull(reason)
            self._line.append((event, waiter))
            self._line_bytes += len(event.body)
            if self._have_come(self._wake_at_events):  # the committer need not be woken for each
                self._changed.notify()

    def _reason_to_refuse(self, event: Event) -> str | None:
        if self._closing:
            return "the receiver is stopping"
        if len(self._line) >= self._capacity_events:
            return f"{len(self._line)} events wait to be written"
        if self._line_bytes + len(event.body) > self._capacity_bytes:
            return f"{self._line_bytes} bytes wait to be written"
        if self._pace.is_hopeless():
            return "the log could not be written a moment ago"
        wait_seconds = self._pace.expected_seconds(len(self._line) // _BATCH_EVENTS)
        if wait_seconds > self._longest_wait_seconds:
            return f"it would wait for {wait_seconds:.1f} s to be written"
        return None

    def close(self) -> None:
        """Write what is in the line, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._committer.is_alive():
            self._committer.join()

    def _commit_batches(self) -> None:
        while not self._is_over():
            self._commit(self._next_batch())

    def _is_over(self) -> bool:
        with self._changed:
            return self._closing and not self._line

    def _next_batch(self) -> list[tuple[Event, Waiter]]:
        """Wait for arrivals; an empty batch means that nobody waits for them any more."""
        with self._changed:
            if self._last_batch_events >= _BUSY_EVENTS:
                self._wait_for_events(self._senders, seconds=_LINGER_SECONDS)
            self._wait_for_events(1)
            batch = self._take_batch()
        self._last_batch_events = len(batch)
        return batch

    def _wait_for_events(self, number: int, *, seconds: float | None = None) -> None:
        """Wait until so many are in the line, or the time has passed; for whoever holds the lock."""
        self._wake_at_events = number
        self._changed.wait_for(lambda: self._have_come(number) or self._closing, timeout=seconds)
        self._wake_at_events = 1

    def _have_come(self, number: int) -> bool:
        return len(self._line) >= number or self._line_bytes >= _BATCH_BYTES

    def _take_batch(self) -> list[tuple[Event, Waiter]]:
        batch: list[tuple[Event, Waiter]] = []
        size = 0
        while self._line and len(batch) < _BATCH_EVENTS and size < _BATCH_BYTES:
            event, waiter = self._line.popleft()
            self._line_bytes -= len(event.body)
            if still_waits(waiter):
                size += len(event.body)
                batch.append((event, waiter))
        return batch

    def _commit(self, batch: list[tuple[Event, Waiter]]) -> None:
        """Make a batch durable, answer its senders, then do what none of them waits for."""
        if not batch:
            return
        events = [event for event, _ in batch]
        outcomes = self._outcomes_of(events)
        # Those who will come again, and those who came meanwhile.
        self._senders = min(len(batch) + len(self._line), _BATCH_EVENTS)
        tell([(waiter, outcome) for (_, waiter), outcome in zip(batch, outcomes, strict=True)])
        self._pass_on(
            [event.id for event, outcome in zip(events, outcomes, strict=True) if outcome is Receipt.NEW]
        )
        self._between_commits()

    def _outcomes_of(self, events: list[Event]) -> Sequence[Outcome]:
        try:
            with self._pace.commit():
                receipts = self._record(events)
            if len(receipts) != len(events):
                raise ValueError(f"{len(receipts)} receipts for {len(events)} events")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - whatever went wrong, nothing was acknowledged and we go on
            if not isinstance(error, LogUnavailable):
                self._log.exception("intake_failed", events=len(events))
            # To each its own, without a traceback: that holds this batch, and so all who are told and bodies.
            return [LogUnavailable(str(error)) for _ in events]
        return receipts

    def _pass_on(self, ids: list[str]) -> None:
        try:
            self._recorded(ids)
        except Exception:  # noqa: BLE001 - the events are durable; what nobody heard of now, the sweeper finds
            self._log.exception("events_not_passed_on", events=len(ids))
