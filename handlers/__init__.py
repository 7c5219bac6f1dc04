"""What users write against: a Router, the event and the context that a handler gets, and how it may end."""

from eventlog.event import Event

from .context import Context
from .outcome import PermanentError, RetryLater, Skip
from .retry import RetryPolicy
from .router import Router

__all__ = ["Context", "Event", "PermanentError", "RetryLater", "RetryPolicy", "Router", "Skip"]
