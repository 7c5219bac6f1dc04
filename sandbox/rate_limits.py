"""How many requests a key may still make: a token bucket for minute and burst, a count for the day."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.plans import Plan

_ROUNDING: Final = 1e-6
"""Or a call after exactly the named wait could be refused for the last bit of a sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a key stands after a request."""

    is_allowed: bool
    limit: int
    """Requests a minute."""
    remaining: int
    reset: int
    """When nothing of the limit is used any more, in seconds since 1970."""
    retry_after: int
    """Seconds: until one more is allowed where it is refused, else until `reset`, as in the example."""

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
            "X-RateLimit-RetryAfter": str(self.retry_after),
        }


class RateLimit:
    """The requests of one key; who uses it must hold the world's lock."""

    def __init__(self, plan: Plan, *, now: Callable[[], datetime]) -> None:
        self._plan = plan
        self._now = now
        self._level = float(plan.burst)
        self._filled_at = now()
        self._day = self._filled_at.astimezone(UTC).date()
        self._today = 0

    def take(self) -> Standing:
        """Count one request, if it is allowed."""
        self._advance()
        is_allowed = self._level >= 1 - _ROUNDING and not self._is_day_used_up()
        if is_allowed:
            self._level = max(0.0, self._level - 1)
            self._today += 1
        return self._standing(is_allowed=is_allowed)

    def look(self) -> Standing:
        """Tell how it stands, and count nothing."""
        self._advance()
        return self._standing(is_allowed=True)

    def _advance(self) -> None:
        now = self._now()
        # A clock that was set back gives nothing, and takes nothing.
        passed = max(0.0, (now - self._filled_at).total_seconds())
        self._level = min(float(self._plan.burst), self._level + passed * self._plan.per_minute / 60)
        self._filled_at = now
        if (today := now.astimezone(UTC).date()) != self._day:
            self._day, self._today = today, 0

    def _is_day_used_up(self) -> bool:
        return self._plan.per_day is not None and self._today >= self._plan.per_day

    def _standing(self, *, is_allowed: bool) -> Standing:
        per_second = self._plan.per_minute / 60
        seconds_to_full = math.ceil((self._plan.burst - self._level) / per_second)
        seconds_to_one = max(1, math.ceil((1 - self._level) / per_second))
        left_today = self._plan.per_day - self._today if self._plan.per_day is not None else math.inf
        if self._is_day_used_up():
            seconds_to_full = seconds_to_one = self._seconds_to_midnight()
        return Standing(
            is_allowed=is_allowed,
            limit=self._plan.per_minute,
            remaining=max(0, int(min(self._level + _ROUNDING, self._plan.per_minute, left_today))),
            reset=math.ceil(self._filled_at.timestamp()) + seconds_to_full,
            retry_after=seconds_to_full if is_allowed else seconds_to_one,
        )

    def _seconds_to_midnight(self) -> int:
        now = self._filled_at.astimezone(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return math.ceil((midnight - now).total_seconds())
