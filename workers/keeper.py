"""Sixth step: settle. A thread beside the handlers that records their outcomes.

A slow handler thus neither holds back the outcomes of those before it, nor the events behind it. The lease
is renewed by the worker's parent (see `supervisor`), which a handler that hangs in C can't stop.
"""

import threading
from collections.abc import Callable, Collection, Sequence
from time import monotonic, sleep
from typing import Final

import structlog

from eventlog import leases
from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.outcome import Aftermath, Closing, Result, Woken
from eventlog.settlement import settle
from workers.batch import Batch
from workers.queue.redis_queue import EventQueue
from workers.waking import send_or_leave, send_woken

_SETTLE_EVERY_SECONDS: Final = 0.02
_LOOK_EVERY_SECONDS: Final = 0.25
_HAND_BACK_AFTER_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 0.5


class Keeper:
    """Keeps one batch at a time."""

    def __init__(self, log: EventLog, queue: EventQueue, *, check_process: Callable[[], None]) -> None:
        """`check_process` is called by the keeper's thread, several times a second, beside the handlers."""
        self._log = log
        self._queue = queue
        self._check_process = check_process
        self._batch: Batch | None = None
        self._results: list[Result] = []
        self._closings: list[Closing] = []
        self._finishing = False
        self._handing_back = False
        self._to_hand_back: set[int] = set()
        self._hand_back_at_end: Collection[int] = ()
        self._changed = threading.Condition()
        self._logger = structlog.get_logger("worker")
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def watch(self, batch: Batch) -> None:
        """Keep this batch until it is finished."""
        with self._changed:
            self._batch = batch
            self._results, self._closings = [], []
            self._finishing = self._handing_back = False
            self._to_hand_back = set()

    def add(self, results: Sequence[Result], closing: Closing | None = None) -> None:
        """Have outcomes of the batch recorded soon, unless it was given up: then others run it again."""
        with self._changed:
            if self._batch is None:
                return  # kept, they would be work without an end
            is_first = not self._results and not self._closings
            self._results += results
            if closing is not None:
                self._closings.append(closing)
            if is_first:  # what comes after it shares its commit
                self._changed.notify_all()

    def after_commit(self, aftermath: Aftermath) -> None:
        """Send jobs for what may run now, and tell of the events that are over."""
        self.wake(aftermath.woken)
        self._report_settled(aftermath.settled)

    def wake(self, woken: Sequence[Woken]) -> None:
        """Send jobs for deliveries whose turn has come."""
        send_woken(self._queue, woken)

    def hand_back_unstarted(self) -> None:
        """Have what was not started handed back now: the worker is told to stop."""
        # No lock: it is called from a signal handler, which may have interrupted a thread that holds it.
        self._handing_back = True

    def finish(self, hand_back_at_end: Collection[int] = ()) -> None:
        """Wait until everything of the batch is recorded, or known to be lost.

        What is then still held of the events `hand_back_at_end` is handed back.
        """
        with self._changed:
            self._hand_back_at_end = hand_back_at_end
            self._finishing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._batch is None)

    def _keep(self) -> None:
        while True:
            with self._changed:
                if self._changed.wait_for(self._has_work, timeout=_LOOK_EVERY_SECONDS):
                    # What is finished meanwhile shares the commit; the end of the batch is not waited for.
                    self._changed.wait_for(lambda: self._finishing, timeout=_SETTLE_EVERY_SECONDS)
                batch, finishing = self._batch, self._finishing
                self._finishing = finishing and batch is not None
            self._check_process()
            if batch is None:
                continue
            try:
                self._look_after(batch, finishing=finishing)
            except LogUnavailable as error:
                self._logger.warning("log_unavailable", while_doing="settle", error=str(error))
                sleep(_RETRY_SECONDS)
                continue
            except Exception:
                # Nothing more can be recorded under this lease; when it runs out, the sweeper takes over.
                self._logger.exception("settle_failed")
                self._give_up(batch)
                continue
            if finishing:
                self._end(batch)
            self._log.checkpoint_if_due()

    def _has_work(self) -> bool:
        return bool(self._finishing or self._results or self._closings)

    def _look_after(self, batch: Batch, *, finishing: bool) -> None:
        lost: set[int] = set()
        with self._changed:
            # What was lost gets neither a further outcome nor an end: whoever runs it next gives it those.
            results = [result for result in self._results if not batch.has_lost(result.seq)]
            closings = [closing for closing in self._closings if not batch.has_lost(closing.seq)]
            self._results, self._closings = [], []
        if results or closings:
            try:
                lost = settle(
                    self._log,
                    batch.hold,
                    results=results,
                    closings=closings,
                    after_commit=self.after_commit,
                )
            except LogUnavailable:
                with self._changed:
                    self._results, self._closings = results + self._results, closings + self._closings
                raise
            self._report(batch, closings, lost)
        # A lease is one for the whole batch: where some of it was lost, the rest is better left to others.
        if lost or self._handing_back or monotonic() - batch.claimed_at > _HAND_BACK_AFTER_SECONDS:
            self._to_hand_back |= {one.seq for one in batch.take_unstarted()}
        if finishing:  # not before: what ran beside them is still held until it is recorded
            self._to_hand_back |= {seq for seq in self._hand_back_at_end if not batch.has_lost(seq)}
        if self._to_hand_back:
            self._hand_back(batch)

    def _report(self, batch: Batch, closings: Sequence[Closing], lost: set[int]) -> None:
        if lost:
            batch.report_lost(lost)
        self._report_settled([each for each in closings if each.seq not in lost and not each.has_lone])

    def _report_settled(self, closings: Sequence[Closing]) -> None:
        for closing in closings:
            self._logger.info("event_settled", event_id=closing.event_id, state=closing.state.value)

    def _hand_back(self, batch: Batch) -> None:
        # After `LogUnavailable` nobody knows whether it was committed: another worker may have them, so that
        # they are never started here. What is not held any more at the next try, the sweeper sends.
        ids = leases.hand_back(
            self._log,
            batch.hold,
            seqs=sorted(self._to_hand_back),
        )
        self._to_hand_back = set()
        send_or_leave(self._queue, ids, replay=batch.hold.replay, name=batch.hold.queue)

    def _give_up(self, batch: Batch) -> None:
        batch.lose_all()
        with self._changed:
            self._results, self._closings = [], []
            self._to_hand_back = set()
            self._end(batch)

    def _end(self, batch: Batch) -> None:
        with self._changed:
            if self._batch is batch and not self._results and not self._closings:
                self._batch = None
                self._changed.notify_all()
