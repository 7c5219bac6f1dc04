"""The rate-limit figures of a reply, and when a refused call may be made again ("Rate Limit Headers")."""

from dataclasses import dataclass
from datetime import datetime


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
