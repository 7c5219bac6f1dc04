"""How an attempt may end: what a handler raises to say so, and what the worker is told.

A handler raises (or returns) one of these; any other exception is a failure and is retried:

Exception
├── Skip                nothing to do for this event
├── RetryLater          again later, without using up a retry
└── PermanentError      a failure that no retry can mend
BaseException
└── HandlerTimeout      raised inside a handler by the worker, when its time is up
"""

from dataclasses import dataclass
from datetime import timedelta

from .duration import duration
from .failure import FailureDetail


class Skip(Exception):  # noqa: N818 - says what is to be done; no error
    """Raise it when there is nothing to do for this event; the delivery is then `skipped`."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class RetryLater(Exception):  # noqa: N818 - says what is to be done; no error
    """Raise it to be called again after `delay`, a timedelta or a number of seconds; uses up no retry."""

    def __init__(self, delay: timedelta | float, reason: str = "") -> None:
        super().__init__(delay, reason)
        self.delay = duration(delay)
        self.reason = reason


class PermanentError(Exception):
    """Raise it when no retry can help; the delivery is then `dead`.

    An error class of your own does the same when it has the attribute `permanent = True`.
    """

    permanent = True


class HandlerTimeout(BaseException):
    """The handler ran longer than its timeout.

    No Exception, so that a handler's `except Exception` does not swallow it.
    """

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(f"the handler ran longer than its timeout of {timeout_seconds:g} s")
        self.timeout_seconds = timeout_seconds


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The handler returned."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """The handler had nothing to do."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """To be tried again after `delay`."""

    delay: timedelta
    counted: bool
    """Whether this used up one of the handler's retries."""
    error: FailureDetail | None = None
    """None when the handler asked for it with `RetryLater`, and for a limit or a budget of an API."""
    reason: str = ""
    """The reason that `RetryLater`, or the API, gave."""


@dataclass(frozen=True, slots=True)
class Dead:
    """Failed for good: a permanent error, or the retries are used up."""

    error: FailureDetail


Outcome = Succeeded | Skipped | Retried | Dead
