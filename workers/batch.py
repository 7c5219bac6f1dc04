"""What one claim holds: the events still to start, shared by the dispatching thread and the keeper."""

import threading
import time
from collections import deque
from collections.abc import Sequence

from eventlog.leases import Claimed


class Batch:
    """The claimed events of one job; each is started by the dispatcher, or handed back by the keeper."""

    def __init__(self, *, lease: str, replay: int, claimed: Sequence[Claimed]) -> None:
        self.lease = lease
        self.replay = replay
        self.claimed_at = time.monotonic()
        self._unstarted = deque(claimed)
        self._lost: set[int] = set()
        self._lock = threading.Lock()

    def start_next(self) -> Claimed | None:
        with self._lock:
            return self._unstarted.popleft() if self._unstarted else None

    def take_unstarted(self) -> list[int]:
        """Take what was not started, to hand it back; gives the events' seqs."""
        with self._lock:
            seqs = [claimed.seq for claimed in self._unstarted]
            self._unstarted.clear()
            return seqs

    def lose(self, seqs: set[int]) -> None:
        """Note that another worker may run these by now."""
        with self._lock:
            self._lost |= seqs

    def has_lost(self, seq: int) -> bool:
        with self._lock:
            return seq in self._lost
