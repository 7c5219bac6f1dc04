"""Keeps a handler's transaction short: on SQLite nobody else can write meanwhile, not even the intake."""

from time import monotonic

import msgspec

from handlers.transaction import TransactionTimeout
from workers.page import Announce, Running
from workers.surroundings import Surroundings
from workers.timer import KILL_AFTER_SECONDS, HandlerTimer


class TransactionLimit:
    """An exception when the time has passed, and the parent told when to kill what does not heed that."""

    def __init__(
        self,
        timer: HandlerTimer,
        announce: Announce,
        surroundings: Surroundings,
        running: Running,
        *,
        seconds: float,
    ) -> None:
        self._timer = timer
        self._announce = announce
        self._surroundings = surroundings
        self._running = running
        self._seconds = seconds
        self._began: float | None = None

    def __enter__(self) -> None: ...

    def start(self) -> None:
        self._began = monotonic()
        kill_at = min(self._running.kill_at, self._began + self._seconds + KILL_AFTER_SECONDS)
        self._announce(
            msgspec.structs.replace(self._running, kill_at=kill_at, transaction_seconds=self._seconds)
        )
        self._timer.tighten(self._seconds, TransactionTimeout(self._seconds))

    def stop(self) -> None:
        self._timer.disarm()
        self._surroundings.require_intact()  # a fork must not commit, nor write into another's file

    def check(self) -> None:
        if self._began is not None and monotonic() > self._began + self._seconds:
            raise TransactionTimeout(self._seconds)

    def __exit__(self, *_: object) -> None:
        if self._began is not None:
            self._announce(self._running)
            self._timer.resume()
