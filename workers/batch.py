"""What one claim holds: the events still to start, shared by the dispatching thread and the keeper."""

import threading
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from time import monotonic

import structlog

from eventlog.hold import Hold
from eventlog.leases import Claimed


class Batch:
    """The claimed events of one job; each is started by the dispatcher, or handed back by the keeper."""

    def __init__(self, hold: Hold, claimed: Sequence[Claimed]) -> None:
        self.hold = hold
        self.claimed_at = monotonic()
        self._unstarted = deque(claimed)
        self._seqs = frozenset(one.seq for one in claimed)
        self._lost: frozenset[int] = frozenset()
        self._lock = threading.Lock()

    def start_next(self) -> Claimed | None:
        with self._lock:
            return self._unstarted.popleft() if self._unstarted else None

    def take_unstarted(self) -> list[Claimed]:
        """Take what was not started, to hand it back."""
        with self._lock:
            taken = list(self._unstarted)
            self._unstarted.clear()
            return taken

    def lose(self, seqs: Iterable[int]) -> None:
        """Note that another worker may run these by now."""
        with self._lock:
            self._lost |= frozenset(seqs)

    def report_lost(self, seqs: Collection[int]) -> None:
        """Note, and log, that another worker may run these by now."""
        self.lose(seqs)
        structlog.get_logger("worker").warning("lease_lost", events=len(seqs), replay=self.hold.replay)

    def lose_all(self) -> None:
        """Note that nothing of the batch is held any more."""
        with self._lock:
            self._lost = self._seqs
            self._unstarted.clear()

    def has_lost(self, seq: int) -> bool:
        return seq in self._lost  # replaced as a whole, so no lock is needed to look
