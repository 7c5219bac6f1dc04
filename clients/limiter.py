"""What keeps our calls within a plan's limits, so that the API need not refuse them.

A plan's figures are kept to the letter: in no minute more calls than `per_minute`, however the other side
divides time into minutes; at once no more than `burst`; in no day more than `per_day` (a day of UTC, as
`resetAt` of `GET /user/me` has it). Who comes when there is no place is promised one, and each is promised
another: many who were refused together come back one after the other, at the plan's rate. A promised place is
not kept free; who finds it taken is promised the next. Where the API refuses a call nonetheless, nobody calls
until the time that it named; and where it names fewer calls a minute than the plan, those count.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from .rate_limit import RateLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a plan allows ("Rate Limits"); None where it sets no limit."""

    name: str
    per_minute: int
    per_day: int | None
    burst: int


PLANS: Final = {
    plan.name: plan
    for plan in (
        Plan(name="free", per_minute=10, per_day=100, burst=20),
        Plan(name="pro", per_minute=60, per_day=10_000, burst=100),
        Plan(name="team", per_minute=300, per_day=100_000, burst=500),
        # "1,000+", "Unlimited" and "Custom": the least of what it may be.
        Plan(name="enterprise", per_minute=1_000, per_day=None, burst=1_000),
    )
}

MOST_REMEMBERED: Final = 10_000
"""Calls, and promises: what a limiter holds of either has an end."""
MARGIN: Final = 1 / 60
"""Calls that we make a minute apart may arrive with less between them."""
_FURTHEST_RESET: Final = timedelta(minutes=5)
"""A limit that starts anew later is none for a minute."""


class Limiter(Protocol):
    """Shared by all who use one key."""

    def take(self) -> float:
        """Take the place of one call now, and give 0; else give the seconds until there is one."""

    def heed(self, rate_limit: RateLimit, *, refused_for: float | None) -> None:
        """Learn from a reply; `refused_for` is how long the API refuses calls, None when it took this one."""


class NoLimiter:
    """Lets every call through."""

    def take(self) -> float:
        return 0.0

    def heed(self, rate_limit: RateLimit, *, refused_for: float | None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Who waits is called every `interval_seconds`; no more than so many calls in any of the spans."""

    interval_seconds: float
    spans: tuple[tuple[int, float], ...]
    """Calls, and seconds."""

    @classmethod
    def of(cls, plan: Plan | None, named_per_minute: int | None) -> "Pace | None":
        """Take it from the plan and from what replies name; None where neither tells anything."""
        named = [each for each in (plan and plan.per_minute, named_per_minute) if each]
        if not named:
            return None
        per_minute = min(named)
        interval = 60 / per_minute * (1 + MARGIN)
        # A burst smaller than a minute's calls holds for a time as much shorter.
        counts = {min(per_minute, MOST_REMEMBERED), min(per_minute, plan.burst if plan else per_minute)}
        return cls(interval_seconds=interval, spans=tuple((calls, calls * interval) for calls in counts))


UNKNOWN_PACE_SECONDS: Final = 1.0
"""Between those who wait for a refusal to end, where nothing tells the limit: Pro's rate."""


def named_per_minute(rate_limit: RateLimit, now: datetime | None = None) -> int | None:
    """Give the calls a minute that a reply names; None where it names none, or those of a day."""
    if not rate_limit.limit:
        return None
    far = rate_limit.reset is not None and rate_limit.reset - (now or datetime.now(UTC)) > _FURTHEST_RESET
    return None if far else rate_limit.limit


def rounded_up(seconds: float) -> float:
    """Give a wait in whole milliseconds: who comes too early by a rounding is refused again."""
    return math.ceil(seconds * 1000) / 1000
