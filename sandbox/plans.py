"""What each plan allows ("Rate Limits")."""

from dataclasses import dataclass
from typing import Final, Literal

PlanName = Literal["free", "pro", "team", "enterprise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The limits of one key; None where there is none."""

    name: PlanName
    per_minute: int
    per_day: int | None
    burst: int


PLANS: Final = {
    plan.name: plan
    for plan in (
        Plan(name="free", per_minute=10, per_day=100, burst=20),
        Plan(name="pro", per_minute=60, per_day=10_000, burst=100),
        Plan(name="team", per_minute=300, per_day=100_000, burst=500),
        # Documented as "1,000+", "Unlimited" and "Custom".
        Plan(name="enterprise", per_minute=1_000, per_day=None, burst=2_000),
    )
}

_ASCENDING: Final = tuple(PLANS)


def next_higher(name: PlanName) -> PlanName:
    """Give the plan above, for production keys, which have "higher limits"."""
    return _ASCENDING[min(_ASCENDING.index(name) + 1, len(_ASCENDING) - 1)]
