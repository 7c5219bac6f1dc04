"""Keeps the transaction of a trial as short as that of a delivery."""

from collections.abc import Callable
from time import monotonic

from handlers.transaction import TransactionTimeout
from workers.surroundings import Surroundings
from workers.timer import KILL_AFTER_SECONDS, HandlerTimer


class TrialLimit:
    """An exception when the time has passed, and the parent told when to kill what does not heed that."""

    def __init__(
        self,
        timer: HandlerTimer,
        surroundings: Surroundings,
        announce_kill_at: Callable[[float], None],
        *,
        seconds: float,
        kill_at: float,
    ) -> None:
        self._timer = timer
        self._surroundings = surroundings
        self._announce_kill_at = announce_kill_at
        self._seconds = seconds
        self._kill_at = kill_at
        self._ends_at: float | None = None

    def __enter__(self) -> None: ...

    def start(self) -> None:
        self._ends_at = monotonic() + self._seconds
        self._announce_kill_at(min(self._kill_at, self._ends_at + KILL_AFTER_SECONDS))
        self._timer.tighten(self._seconds, TransactionTimeout(self._seconds))

    def stop(self) -> None:
        self._timer.disarm()
        self._surroundings.require_intact()

    def check(self) -> None:
        if self._ends_at is not None and monotonic() > self._ends_at:
            raise TransactionTimeout(self._seconds)

    def __exit__(self, *_: object) -> None:
        if self._ends_at is not None:
            self._announce_kill_at(self._kill_at)
            self._timer.resume()
