"""A handler's time limit: an exception in the main thread when it has passed.

RQ's own timeout raises an Exception, which handlers swallow, and does not nest; ours is a BaseException. What
does not heed it, because it hangs in C or swallows that too, is killed by the parent (see `page.Running`).
"""

import signal

# Bound here, so that handlers which patch the modules' functions change no limit.
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from signal import ITIMER_REAL, SIGALRM, setitimer
from time import monotonic
from types import FrameType
from typing import Final

from handlers.outcome import HandlerTimeout
from workers.signals import handler_of

KILL_AFTER_SECONDS: Final = 2.0
"""How long a handler may ignore that its time is up before it is killed."""

_MakeError = Callable[[], BaseException]

_AT_ONCE_SECONDS: Final = 1e-6


class HandlerTimer:
    """One handler at a time, in the main thread."""

    def __init__(self) -> None:
        self._error: _MakeError | None = None
        self._handler_error: _MakeError | None = None
        self._handler_ends_at = 0.0

    def install(self) -> None:
        """Take the alarm, also back from a handler that took it for itself."""
        if handler_of(SIGALRM) != self._strike:
            signal.signal(SIGALRM, self._strike)

    def limit(self, seconds: float) -> AbstractContextManager[None]:
        """Raise `HandlerTimeout` inside the block once it has run for `seconds`."""
        return _Limit(self, seconds)

    def begin(self, seconds: float) -> None:
        self._handler_ends_at = monotonic() + seconds
        self._handler_error = partial(HandlerTimeout, seconds)
        self._arm(self._handler_error, seconds)

    def end(self) -> None:
        self._handler_error = None
        self.disarm()

    def tighten(self, seconds: float, error: BaseException) -> None:
        """Raise this error in so many seconds, unless the handler's own limit comes first."""
        if self._handler_error is not None and seconds < self._handler_ends_at - monotonic():
            self._arm(lambda: error, seconds)

    def disarm(self) -> None:
        """Strike no more, until the limit is tightened or resumed."""
        self._error = None  # an alarm that is already on its way finds nothing to strike with
        setitimer(ITIMER_REAL, 0)

    def resume(self) -> None:
        """Let the handler's own limit hold again, after it was tightened or disarmed."""
        if self._handler_error is not None:
            self._arm(self._handler_error, max(self._handler_ends_at - monotonic(), _AT_ONCE_SECONDS))

    def _arm(self, error: _MakeError, seconds: float) -> None:
        self._error = error
        setitimer(ITIMER_REAL, seconds)

    def _strike(self, _signal: int, _frame: FrameType | None) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error()


class _Limit:
    """What `HandlerTimer.limit` gives."""

    __slots__ = ("_seconds", "_timer")

    def __init__(self, timer: HandlerTimer, seconds: float) -> None:
        self._timer = timer
        self._seconds = seconds

    def __enter__(self) -> None:
        self._timer.begin(self._seconds)

    def __exit__(self, *_: object) -> None:
        self._timer.end()
