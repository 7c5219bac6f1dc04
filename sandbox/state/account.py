"""The user: who it is, and how much it has used this month."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.plans import PLANS, PlanName
from sandbox.state.ground import Ground

THRESHOLDS: Final = (0.8, 1.0)
"""Shares of the limit; passing one sends usage.threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The one user of the sandbox."""

    id: str = "user_sandbox"
    email: str = "developer@example.com"
    name: str = "Jane Developer"
    plan: PlanName
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How many calls were made since the start of the month."""

    api_calls: int
    limit: int | None
    """None where the plan sets none."""
    by_endpoint: Mapping[str, int]
    since: datetime
    reset_at: datetime


class Account:
    """The user, and the count of its calls, which starts anew each month as the documented example does."""

    def __init__(self, ground: Ground, *, plan: PlanName, usage_limit: int | None) -> None:
        """`usage_limit` is how many calls the thresholds refer to; None: as many as the plan allows a day."""
        self._ground = ground
        self._limit = usage_limit or PLANS[plan].per_day
        self._user = User(plan=plan, created_at=ground.now())
        self._since = _start_of_month(ground.now())
        self._calls: Counter[str] = Counter()

    def user(self) -> User:
        with self._ground.lock:
            return self._user

    def update(self, changes: Mapping[str, Any]) -> User:
        with self._ground.lock:
            self._user = replace(self._user, **changes)
            return self._user

    def usage(self) -> Usage:
        with self._ground.lock:
            self._start_anew_when_due()
            return Usage(
                api_calls=self._calls.total(),
                limit=self._limit,
                by_endpoint=dict(self._calls),
                since=self._since,
                reset_at=_next_month(self._since),
            )

    def count(self, endpoint: str) -> float | None:
        """Count a call; gives the threshold that it reached, if it is the first call to."""
        with self._ground.lock:
            self._start_anew_when_due()
            before = self._calls.total()
            self._calls[endpoint] += 1
            if self._limit is None:
                return None
            reached = [share for share in THRESHOLDS if before < share * self._limit <= before + 1]
            return max(reached, default=None)

    def _start_anew_when_due(self) -> None:
        if (since := _start_of_month(self._ground.now())) > self._since:
            self._since = since
            self._calls.clear()


def _start_of_month(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next_month(start: datetime) -> datetime:
    years, month = divmod(start.month, 12)
    return start.replace(year=start.year + years, month=month + 1)
