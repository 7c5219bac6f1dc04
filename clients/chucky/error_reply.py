"""Chucky's error replies, read into errors ("Error Responses"): each names its error by a string."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clients.one_line import one_line
from clients.rate_limit import named_wait
from clients.reply import Reply, read_fields

from .budget import AiBudget, ComputeBudget
from .errors import (
    ChuckyError,
    ChuckyStatus,
    ConcurrencyLimitReached,
    DeveloperBudgetExhausted,
    ServerFailed,
    TokenExpired,
    TokenRefused,
    TooManyRequests,
    UserBudgetExhausted,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _UserBudget(Reply):
    ai: AiBudget | None = None
    compute: ComputeBudget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _DeveloperBudget(Reply):
    used: float | None = None
    available: float | None = None
    plan_seconds: float | None = None
    pool_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Concurrency(Reply):
    active: int | None = None
    max: int | None = None
    sessions: tuple[Mapping[str, Any], ...] = ()


_DOCUMENTED: Final[Mapping[str, tuple[type[ChuckyError], type[Reply]]]] = {
    "user_budget_exhausted": (UserBudgetExhausted, _UserBudget),
    "developer_budget_exhausted": (DeveloperBudgetExhausted, _DeveloperBudget),
    "concurrent_limit_reached": (ConcurrencyLimitReached, _Concurrency),
}


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> ChuckyError:
    """Make an error of a reply that is no success, of which nothing but the status need be as documented."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):  # no JSON, as a proxy's page; or one that is nested too deep
        document = None
    return error_of(
        document if isinstance(document, dict) else {}, status=status, retry_after=named_wait(status, headers)
    )


def error_of(document: Mapping[str, Any], *, status: int, retry_after: float | None = None) -> ChuckyError:
    """Make an error of the object of an error reply, or of an event that reports one."""
    name = _name(document)
    message = f"Chucky answered {status}{f': {name}' if name else ' without a documented error'}"
    if name in _DOCUMENTED:
        kind, fields = _DOCUMENTED[name]
        return kind(message, status=status, retry_after=retry_after, **read_fields(fields, document))
    if status == 401 and "expired" in name.lower():
        return TokenExpired(f"{message}; set a new token as CHUCKY_TOKEN", status=status)
    if status == 401:
        return TokenRefused(f"{message}; set a valid token as CHUCKY_TOKEN", status=status)
    other = TooManyRequests if status == 429 else ServerFailed if status >= 500 else ChuckyStatus
    return other(message, status=status, retry_after=retry_after)


def require_no_error(reply: object) -> None:
    """Raise the error that a reply with status 200 holds in place of a result."""
    if isinstance(reply, dict) and reply.get("result") is None and "error" in reply:
        raise error_of(reply, status=200)


def _name(document: Mapping[str, Any]) -> str:
    """Give the error's string as one short line, also from an object, as other APIs have it."""
    error = document.get("error")
    if isinstance(error, Mapping):
        error = error.get("message", error.get("code"))
    if not isinstance(error, str):
        error = document.get("message")
    return one_line(error) if isinstance(error, str) else ""
