"""A limiter for the threads of one process."""

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from .limiter import MOST_REMEMBERED, UNKNOWN_PACE_SECONDS, Pace, Plan, named_per_minute, rounded_up
from .rate_limit import RateLimit

_DAY_SECONDS: Final = 86_400


class LocalLimiter:
    """Keeps to a plan; without one, to the calls a minute that replies name, once they do."""

    def __init__(self, plan: Plan | None = None, *, now: Callable[[], float] = time.time) -> None:
        """`now` gives seconds since 1970, as days begin by it."""
        self._plan = plan
        self._now = now
        self._pace = Pace.of(plan, None)
        self._made: deque[float] = deque(maxlen=MOST_REMEMBERED)
        """When the last calls were let through."""
        self._promised: deque[float] = deque(maxlen=MOST_REMEMBERED)
        """The places to come that were promised, in order."""
        self._held_until = 0.0
        self._day = 0
        self._made_today = 0
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take the place of one call now, and give 0; else give the seconds until there is one."""
        with self._lock:
            now = self._now()
            self._forget(now)
            if self._opens(0, now) <= now:
                self._made.append(now)
                self._made_today += 1
                return 0.0
            place = self._opens(len(self._promised), now)
            if self._promised:
                interval = self._pace.interval_seconds if self._pace else UNKNOWN_PACE_SECONDS
                place = max(place, self._promised[-1] + interval)
            self._promised.append(place)
            return rounded_up(place - now)

    def heed(self, rate_limit: RateLimit, *, refused_for: float | None) -> None:
        """Learn from a reply; `refused_for` is how long the API refuses calls, None when it took this one."""
        with self._lock:
            now = self._now()
            named = named_per_minute(rate_limit, datetime.fromtimestamp(now, UTC))
            if named is not None:
                self._pace = Pace.of(self._plan, named)
            if refused_for is not None:
                self._held_until = max(self._held_until, now + refused_for)

    def _forget(self, now: float) -> None:
        while self._promised and self._promised[0] <= now:
            self._promised.popleft()
        while self._made and self._made[-1] > now + 1:  # the clock was set back
            self._made.pop()
        if self._day != int(now // _DAY_SECONDS):
            self._day = int(now // _DAY_SECONDS)
            self._made_today = 0

    def _opens(self, ahead: int, now: float) -> float:
        """Tell when there is a place for who has so many ahead of him."""
        opens = max(self._held_until, now)
        for calls, seconds in self._pace.spans if self._pace else ():
            if len(self._made) >= calls - ahead > 0:
                opens = max(opens, self._made[ahead - calls] + seconds)
        if self._plan is not None and self._plan.per_day is not None:
            full_days = (self._made_today + ahead) // self._plan.per_day
            if full_days:
                opens = max(opens, (self._day + full_days) * _DAY_SECONDS)
        return opens
