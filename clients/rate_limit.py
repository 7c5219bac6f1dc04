"""The rate-limit figures of a reply, and when a refused call may be made again ("Rate Limit Headers").

Every reply carries these headers; they are a wait on 429 and 503 alone. Where several name one, the first
that is usable counts: X-RateLimit-RetryAfter, which is ChaozCode's own; Retry-After, which proxies send too;
and X-RateLimit-Reset, which depends on two clocks. A wait over `LONGEST_WAIT` is a mistake, as the documented
limits are for a minute and for a day. What can't be read is passed over.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Self

LONGEST_WAIT: Final = timedelta(hours=25)
"""A day, and what clocks may differ."""
SOONEST_SECONDS: Final = 1.0
"""A wait of 0 would have calls repeated without a pause."""
_WAITS: Final = frozenset({429, 503})
_NUMBER: Final = re.compile(r"\d{1,18}(\.\d{1,18})?")
_LATEST_EPOCH: Final = 1e11
"""Seconds until the year 5138; more are milliseconds."""
_EARLIEST_EPOCH: Final = 1e9
"""Seconds until 2001; less is no date but a length of time, as in other APIs' headers of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What the last reply said of the limit; None where it said nothing usable."""

    limit: int | None = None
    """Requests a minute."""
    remaining: int | None = None
    reset: datetime | None = None
    """When the limit starts anew, aware, UTC."""
    retry_after: float | None = None
    """Seconds; every reply carries it, and it is a wait on 429 and 503 alone."""

    @classmethod
    def read(cls, headers: Mapping[str, str], now: datetime | None = None) -> Self:
        """Read a reply's headers; never raises."""
        now = now or datetime.now(UTC)
        named = _number(headers.get("X-RateLimit-RetryAfter"))
        return cls(
            limit=_whole(headers.get("X-RateLimit-Limit")),
            remaining=_whole(headers.get("X-RateLimit-Remaining")),
            reset=_moment(headers.get("X-RateLimit-Reset"), now),
            retry_after=seconds_of(headers.get("Retry-After"), now) if named is None else named,
        )


def named_wait(status: int, headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Give the seconds until the call may be made again; None where the reply is no refusal or names none."""
    if status not in _WAITS:
        return None
    # The other side's clock, where it tells it, so that ours may be wrong.
    sent_at = _date(headers.get("Date")) or now or datetime.now(UTC)
    reset = _moment(headers.get("X-RateLimit-Reset"), sent_at)
    named = (
        _number(headers.get("X-RateLimit-RetryAfter")),
        seconds_of(headers.get("Retry-After"), sent_at),
        None if reset is None else (reset - sent_at).total_seconds(),
    )
    usable = [wait for wait in named if wait is not None and 0 <= wait <= LONGEST_WAIT.total_seconds()]
    if not usable:
        return None
    return max(next((wait for wait in usable if wait > 0), 0.0), SOONEST_SECONDS)


def seconds_of(retry_after: str | None, now: datetime | None = None) -> float | None:
    """Read Retry-After (RFC 9110, 10.2.3): seconds or a date; 0 for a date that is past."""
    if retry_after is not None and "." not in retry_after:
        seconds = _number(retry_after)
        if seconds is not None:
            return seconds
    moment = _date(retry_after)
    if moment is None:
        return None
    return max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0)


def _number(text: str | None) -> float | None:
    stripped = (text or "").strip()
    # Neither "1e5", "nan" nor the digits of other scripts, which float() takes.
    return float(stripped) if stripped.isascii() and _NUMBER.fullmatch(stripped) else None


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else math.floor(number)


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(text: str | None, now: datetime) -> datetime | None:
    """Read X-RateLimit-Reset: seconds since 1970, but also milliseconds, or seconds from now."""
    number = _number(text)
    if number is None:
        return None
    try:
        if number < _EARLIEST_EPOCH:
            return now.astimezone(UTC) + timedelta(seconds=number)
        return datetime.fromtimestamp(number / 1000 if number >= _LATEST_EPOCH else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None
