"""One event on its way to one webhook, and what came of each attempt."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, Literal

MOST_TRIES: Final = 8
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 60.0

State = Literal["waiting", "delivered", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request, and the answer: a status, or why none came."""

    at: datetime
    status: int | None
    reason: str | None
    seconds: float

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event for a webhook; another value after each attempt."""

    number: int
    """In the order of emission; tells two deliveries of one event apart."""
    event_id: str
    type: str
    webhook_id: str
    url: str
    body: bytes = field(repr=False)
    state: State = "waiting"
    attempts: tuple[Attempt, ...] = ()
    due_at: datetime | None
    """When it is sent (again); None once nothing more is sent."""

    def as_json(self) -> dict[str, Any]:
        return {
            "eventId": self.event_id,
            "type": self.type,
            "webhookId": self.webhook_id,
            "url": self.url,
            "state": self.state,
            "attempts": [
                {
                    "at": attempt.at.isoformat(),
                    "status": attempt.status,
                    "reason": attempt.reason,
                    "seconds": round(attempt.seconds, 4),
                }
                for attempt in self.attempts
            ],
            "nextAttemptAt": self.due_at.isoformat() if self.due_at else None,
        }


def pause_before_retry(tries: int, chance: Random) -> timedelta:
    """Give how long to wait after so many tries: doubled each time, half of it left to chance."""
    longest = min(_FIRST_PAUSE_SECONDS * 2 ** (tries - 1), _LONGEST_PAUSE_SECONDS)
    return timedelta(seconds=longest * chance.uniform(0.5, 1.0))
