"""What keeps our calls within a plan's limits, so that the API need not refuse them."""

from dataclasses import dataclass
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
