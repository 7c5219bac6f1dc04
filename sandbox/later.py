"""Call something after a while, in a thread of its own."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

_STOP_SECONDS: Final = 5.0


class Later(Protocol):
    """Calls functions after a while."""

    def call(self, seconds: float, function: Callable[[], object]) -> None:
        """Call the function when so many seconds have passed."""


class Timetable:
    """One thread for any number of calls, started by the first; they should be short."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turn = threading.Condition()
        self._calls: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._closing = False

    def call(self, seconds: float, function: Callable[[], object]) -> None:
        with self._turn:
            heapq.heappush(self._calls, (self._clock() + seconds, next(self._numbers), function))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="sandbox-later", daemon=True)
                self._thread.start()
            self._turn.notify()

    def close(self) -> None:
        """End the thread; what is not due yet is not called."""
        with self._turn:
            self._closing = True
            self._turn.notify()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _work(self) -> None:
        while (function := self._next()) is not None:
            try:
                function()
            except Exception:  # noqa: BLE001 - one call that breaks must not end the others
                structlog.get_logger("sandbox").exception("later_call_failed")

    def _next(self) -> Callable[[], object] | None:
        with self._turn:
            while not self._closing:
                if not self._calls:
                    self._turn.wait()
                elif (seconds := self._calls[0][0] - self._clock()) > 0:
                    self._turn.wait(seconds)
                else:
                    return heapq.heappop(self._calls)[2]
        return None
