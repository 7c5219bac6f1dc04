"""One job, from claim to settled: the path of an event through a worker, in the order of its calls.

A job of RQ names `jobs.run_events`, which finds the runner of its process (`child` sets it), and calls `run`.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from time import monotonic  # by name: what a handler does to the module is nothing to us

import structlog

from eventlog import leases
from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.hold import Hold
from eventlog.leases import Claimed
from eventlog.lone_claims import claim_alone
from eventlog.outcome import Woken
from handlers import Router
from workers.batch import Batch
from workers.delivery import Deliverer
from workers.dispatch import Dispatcher
from workers.handing_on import hand_on_elsewhere
from workers.keeper import Keeper
from workers.page import Note, SharedPage
from workers.placing import limits_of


class Runner:
    """Runs jobs, one at a time."""

    def __init__(
        self,
        log: EventLog,
        page: SharedPage,
        keeper: Keeper,
        router: Router,
        deliverer: Deliverer,
        *,
        lease: timedelta,
        after_each: Callable[[], None] = lambda: None,
    ) -> None:
        """`after_each` is called after each job, when nothing is held."""
        self._log = log
        self._page = page
        self._keeper = keeper
        self._router = router
        self._limits = limits_of(router)
        self._dispatcher = Dispatcher(router, deliverer)
        self._lease = lease
        self._after_each = after_each
        self._stopping = False
        self._sure_at = monotonic()

    def run(self, event_ids: Sequence[str], replay: int, queue: str | None = None) -> None:
        """Claim the events that are still queued, run their handlers, and record what came of it.

        With `queue`, their deliveries that run alone there. A job whose events were all taken by others does
        nothing.
        """
        hold = Hold(lease=leases.new_lease(), replay=replay, queue=queue)
        try:
            self._page.write(Note(is_ready=True, lease=hold.lease, replay=replay, queue=queue))
            self._sure_at = monotonic()  # before the claim: its answer may take long
            claimed = self._claim(event_ids, hold)
            if claimed:
                self._run(Batch(hold, claimed), claimed)
        except LogUnavailable as error:
            # The events are still queued in the log or, where only the answer was lost, running until the
            # lease ends; the sweeper sends another job for them.
            structlog.get_logger("worker").warning("log_unavailable", while_doing="claim", error=str(error))
        finally:
            self._page.write(Note(is_ready=True))
            self._after_each()

    def _claim(self, ids: Sequence[str], hold: Hold) -> Sequence[Claimed]:
        if hold.queue is None:
            return leases.claim(self._log, hold, ids, duration=self._lease)
        claim = claim_alone(self._log, hold, ids, duration=self._lease, limits=self._limits)
        # Before the handlers run: other workers may do meanwhile what this one does not.
        others = [Woken(event_id=event_id, replay=hold.replay, queue=hold.queue) for event_id in claim.others]
        self._keeper.wake([*others, *claim.woken])
        return claim.claimed

    def _run(self, batch: Batch, claimed: Sequence[Claimed]) -> None:
        self._keeper.watch(batch)
        elsewhere = hand_on_elsewhere(self._log, self._router, batch.hold, claimed, wake=self._keeper.wake)
        if self._stopping:
            self._keeper.hand_back_unstarted()
        while not self._stopping and (one := batch.start_next()) is not None:
            self._dispatcher.dispatch(
                one,
                batch.hold,
                elsewhere=elsewhere.handlers.get(one.seq, ()),
                unplaced=elsewhere.unplaced.get(one.seq, ()),
                is_lost=lambda seq=one.seq: self._has_lost(batch, seq),  # type: ignore[misc]
                record=self._keeper.add,
            )
        # What could not be handed on: an event was closed as due now, a delivery is still held.
        self._keeper.finish(hand_back_at_end=() if batch.hold.by_event else elsewhere.unplaced.keys())

    def _has_lost(self, batch: Batch, seq: int) -> bool:
        """Tell whether another worker may run the event; asks the log when this one was long at something.

        A process that was stopped, and goes on, thus finds out before it calls another handler.
        """
        now = monotonic()
        if now - self._sure_at > self._lease.total_seconds() / 3 and not batch.has_lost(seq):
            self._sure_at = now
            with suppress(LogUnavailable):  # nothing can be recorded either then, and the keeper finds out
                if not leases.holds(self._log, batch.hold, seq=seq):
                    batch.report_lost({seq})
        return batch.has_lost(seq)

    def stop(self) -> None:
        """Finish the handlers of the event at hand, and hand back the rest; safe in a signal handler."""
        self._stopping = True
        self._keeper.hand_back_unstarted()
