"""What became of an event, as a test asks it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from eventlog.detail import Delivery, FailedAttempt
from eventlog.states import State

if TYPE_CHECKING:
    from hooks_testkit.path import EventPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A handler that was called."""

    event_id: str
    handler: str
    attempt: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """An event as it stood when this was made: `look` again after the clock was moved."""

    id: str
    type: str
    state: State
    """Equal to its name: `delivered.state == "done"`."""
    seen: int
    """How often it was sent."""
    due_at: datetime | None
    """When it is looked at again, of an event that is not finished."""
    deliveries: tuple[Delivery, ...]
    """One for each handler: `handler`, `state`, `attempts`, `due_at`, `note`."""
    failures: tuple[FailedAttempt, ...]
    """Every failed attempt: `handler`, `attempt`, `error_type`, `message`, `traceback`."""
    logs: tuple[Mapping[str, Any], ...]
    """What handlers logged of it with `ctx.log`, with the name as `event`."""
    calls: tuple[Call, ...]
    """Every call of a handler with it, also those whose outcome was lost."""

    path: "EventPath" = field(repr=False, compare=False)
    """Where it was delivered: to go on with, or to look at the rows."""

    def delivery(self, handler: str, *, replay: int = 0) -> Delivery:
        """Give the delivery to a handler; LookupError where there is none."""
        for delivery in self.deliveries:
            if (delivery.handler, delivery.replay) == (handler, replay):
                return delivery
        known = ", ".join(delivery.handler for delivery in self.deliveries) or "none"
        raise LookupError(f"event {self.id} has no delivery to {handler!r}; it has: {known}")

    def times_called(self, handler: str) -> int:
        """Count the calls of a handler."""
        return sum(call.handler == handler for call in self.calls)
