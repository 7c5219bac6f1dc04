"""The limiter of one API key that all workers share, in Redis; `clients.limiter` tells what it promises."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from clients.limiter import MARGIN, MOST_REMEMBERED, UNKNOWN_PACE_SECONDS, Plan, named_per_minute
from clients.rate_limit import RateLimit

from .limiter_script import HEED, TAKE

_TIMEOUT_SECONDS: Final = 0.25
_PASSED_BY_SECONDS: Final = 5.0
"""For so long nobody asks a Redis that did not answer."""
_KEPT_SECONDS: Final = 2 * 86_400
_TOLD_AGAIN_SECONDS: Final = 3600.0
"""A figure that did not change is noted so often, lest it be forgotten."""


class SharedLimiter:
    """Keeps to a plan; without one, to the calls a minute that replies name, once they do.

    Where Redis fails, or is slow, calls go ahead: the API's own limit remains, and a 429 is no failure.
    """

    def __init__(
        self, redis: Redis, *, key: str, plan: Plan | None, now: Callable[[], float] | None = None
    ) -> None:
        """`key` is the API key; Redis is given a hash of it. `now` is by default Redis's own clock."""
        self._redis = redis
        self._plan = plan
        self._now = now
        # Cut short: it tells keys apart, and won't help to find one. Braces keep it all on one cluster node.
        name = f"hooks:limit:{{{hashlib.sha256(key.encode()).hexdigest()[:16]}}}"
        self._keys = [f"{name}:{part}" for part in ("made", "promised", "refused", "today", "named")]
        self._take = redis.register_script(TAKE)
        self._heed = redis.register_script(HEED)
        self._noted: tuple[int, float] | None = None
        """The calls a minute that were last noted, and when."""
        self._asked_again_at: float | None = None
        """While Redis does not answer."""
        self._lock = threading.Lock()
        self._log = structlog.get_logger("limiter")

    @classmethod
    def connect(cls, url: str, *, key: str, plan: Plan | None) -> "SharedLimiter":
        """Connect on first use; nobody waits long for it."""
        redis = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        return cls(redis, key=key, plan=plan)

    def __repr__(self) -> str:
        return f"<SharedLimiter {self._plan.name if self._plan else 'auto'}>"

    def take(self) -> float:
        """Take the place of one call now, and give 0; else give the seconds until there is one."""
        plan = self._plan
        milliseconds = self._ask(
            self._take,
            (plan.per_minute, plan.burst, plan.per_day or 0) if plan else (0, 0, 0),
            (MOST_REMEMBERED, MARGIN, UNKNOWN_PACE_SECONDS),
        )
        return 0.0 if milliseconds is None else int(milliseconds) / 1000

    def heed(self, rate_limit: RateLimit, *, refused_for: float | None) -> None:
        """Learn from a reply; `refused_for` is how long the API refuses calls, None when it took this one."""
        now = datetime.fromtimestamp(self._now(), UTC) if self._now else None
        named = named_per_minute(rate_limit, now)
        is_news = named is not None and (
            self._noted is None
            or self._noted[0] != named
            or monotonic() > self._noted[1] + _TOLD_AGAIN_SECONDS
        )
        if refused_for is None and not is_news:
            return
        answer = self._ask(self._heed, ("" if refused_for is None else refused_for, named or ""))
        if named is not None and answer is not None:
            self._noted = (named, monotonic())

    def close(self) -> None:
        self._redis.close()

    def _ask(self, script: Callable[..., Any], *arguments: Sequence[float | str]) -> Any:  # noqa: ANN401
        """Run a script; None where Redis did not answer."""
        if self._asked_again_at is not None and monotonic() < self._asked_again_at:
            return None
        flat = [each for part in arguments for each in part]
        try:
            answer = script(keys=self._keys, args=[self._now() if self._now else "", _KEPT_SECONDS, *flat])
        except (RedisError, OSError) as error:
            self._note_silence(error)
            return None
        self._note_answer()
        return answer

    def _note_silence(self, error: Exception) -> None:
        with self._lock:
            is_new = self._asked_again_at is None
            self._asked_again_at = monotonic() + _PASSED_BY_SECONDS
        if is_new:
            self._log.warning("limiter_unavailable", meanwhile="calls go ahead", error=str(error))

    def _note_answer(self) -> None:
        with self._lock:
            was_silent, self._asked_again_at = self._asked_again_at is not None, None
        if was_silent:
            self._log.info("recovered", after="limiter_unavailable")
