"""When a JWT expires (RFC 7519, "exp"), read without a look at its signature, and warned about in time."""

import base64
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import structlog

_WARNED_BEFORE: Final = timedelta(hours=1)

_warned: Final[set[bytes]] = set()
"""Digests of the tokens that were warned about: clients come and go with each attempt of a handler."""


def expiry(token: str) -> datetime | None:
    """Give when the token expires; None where it is no JWT, or names no time."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        exp = claims.get("exp") if isinstance(claims, dict) else None
        if isinstance(exp, bool) or not isinstance(exp, int | float):
            return None
        return datetime.fromtimestamp(exp, UTC)
    except (ValueError, OverflowError, OSError, RecursionError):
        return None


def warn_in_time(token: str, expires_at: datetime | None, now: datetime) -> None:
    """Log, once for each token, that it has expired or is about to; the token itself is never logged."""
    if expires_at is None or expires_at - now > _WARNED_BEFORE:
        return
    digest = sha256(token.encode()).digest()
    if digest in _warned:
        return
    _warned.add(digest)
    log = structlog.get_logger("clients")
    if expires_at <= now:
        log.warning("chucky_token_expired", expired_at=expires_at.isoformat(), set_anew="CHUCKY_TOKEN")
    else:
        log.warning("chucky_token_expires_soon", expires_at=expires_at.isoformat(), set_anew="CHUCKY_TOKEN")
