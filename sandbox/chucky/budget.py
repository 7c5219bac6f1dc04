"""What a user of Chucky's has used within the running window, and what the budgets are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

Window = Literal["hour", "day", "week", "month", "lifetime"]
WINDOWS: Final[tuple[str, ...]] = get_args(Window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """What may be used; the user's are per window, the figures those that the reference shows."""

    window: str = "day"
    ai_microdollars: int = 5_000_000
    compute_seconds: int = 360_000
    most_at_once: int = 5
    developer_plan_seconds: int = 500_000
    developer_pool_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What was used since the window began."""

    since: datetime
    ai_microdollars: int = 0
    compute_seconds: int = 0


class Ledger:
    """Who has used how much; guarded by its owner's lock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._began = now()
        self._used: dict[str, Used] = {}
        self._budgets = Budgets()
        self.developer_seconds = 0

    @property
    def budgets(self) -> Budgets:
        return self._budgets

    def set_budgets(self, budgets: Budgets) -> None:
        """Set other budgets; what was used stays used, in another window too."""
        used = {user_id: self.used_by(user_id) for user_id in self._used}
        self._budgets = budgets
        self._used = {user_id: replace(each, since=self.window_start()) for user_id, each in used.items()}

    def window_start(self) -> datetime:
        return start_of(self._budgets.window, self._now()) or self._began

    def used_by(self, user_id: str) -> Used:
        since = self.window_start()
        used = self._used.get(user_id)
        return used if used is not None and used.since >= since else Used(since=since)

    def charge(self, user_id: str, *, ai_microdollars: int, compute_seconds: int) -> None:
        before = self.used_by(user_id)
        self._used[user_id] = Used(
            since=before.since,
            ai_microdollars=before.ai_microdollars + ai_microdollars,
            compute_seconds=before.compute_seconds + compute_seconds,
        )
        self.developer_seconds += compute_seconds

    def figures(self, user_id: str) -> dict[str, dict[str, int]]:
        """Give `ai` and `compute`, as /usage and the error of an exhausted budget show them."""
        used, budgets = self.used_by(user_id), self._budgets
        return {
            "ai": _figures(used.ai_microdollars, budgets.ai_microdollars),
            "compute": _figures(used.compute_seconds, budgets.compute_seconds),
        }

    def is_allowed(self, user_id: str) -> bool:
        return all(figures["remaining"] > 0 for figures in self.figures(user_id).values())

    def developer(self) -> dict[str, int]:
        """Give the developer's figures, as the error of its exhausted budget shows them."""
        plan, pool = self._budgets.developer_plan_seconds, self._budgets.developer_pool_seconds
        return {
            "used": self.developer_seconds,
            "available": max(0, plan + pool - self.developer_seconds),
            "planSeconds": plan,
            "poolSeconds": pool,
        }

    def usage(self, user_id: str, issuer_id: str) -> dict[str, Any]:
        """Give the reply of /usage."""
        start = self.window_start().isoformat(timespec="milliseconds")
        return {
            "user_id": user_id,
            "issuer_id": issuer_id,
            "window": self._budgets.window,
            "window_start": start.replace("+00:00", "Z"),
            "allowed": self.is_allowed(user_id),
            **self.figures(user_id),
        }


def start_of(window: str, now: datetime) -> datetime | None:
    """Give when the window that `now` lies in began, in UTC; None for the one that never begins anew."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    match window:
        case "hour":
            return hour
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
    return None


def _figures(used: int, budget: int) -> dict[str, int]:
    return {"used": used, "remaining": max(0, budget - used), "budget": budget}
