"""What users write against: a Router, the event and the context that a handler gets, and how it may end."""

from eventlog.event import Event

from .backoff.exponential import exponential
from .backoff.fixed import fixed
from .context import Context
from .outcome import HandlerTimeout, PermanentError, RetryLater, Skip
from .router import Router

__all__ = [
    "Context",
    "Event",
    "HandlerTimeout",
    "PermanentError",
    "RetryLater",
    "Router",
    "Skip",
    "exponential",
    "fixed",
]
