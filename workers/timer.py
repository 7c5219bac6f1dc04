"""A handler's time limit: an exception in the main thread when it has passed.

RQ's own timeout raises an Exception, which handlers swallow, and does not nest; ours is a BaseException. What
does not heed it, because it hangs in C or swallows that too, is killed by the parent (see `page.Running`).
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from handlers.outcome import HandlerTimeout


class HandlerTimer:
    """One at a time, in the main thread."""

    def __init__(self) -> None:
        self._seconds: float | None = None

    def install(self) -> None:
        signal.signal(signal.SIGALRM, self._strike)

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raise `HandlerTimeout` inside the block once it has run for `seconds`."""
        self._seconds = seconds
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            self._seconds = None  # an alarm that is already on its way finds nothing to strike
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _strike(self, _signal: int, _frame: FrameType | None) -> None:
        seconds, self._seconds = self._seconds, None
        if seconds is not None:
            raise HandlerTimeout(seconds)
