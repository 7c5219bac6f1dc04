"""ChaozCode's error replies ("Error Codes"); `clients.errors` draws the whole tree."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from clients.errors import ApiError, TryLater

if TYPE_CHECKING:
    from clients.rate_limit import RateLimit

_RATE_LIMITED_SECONDS: Final = 60.0
"""Where a 429 names no time: the documented limits are per minute."""
_PASSING: Final = frozenset({408, 425, 502, 504})
"""Request Timeout, Too Early, Bad Gateway and Gateway Timeout: what proxies say of the moment (RFC 9110)."""


class ChaozCodeError(ApiError):
    """An error reply of ChaozCode's."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        rate_limit: "RateLimit | None" = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        """As documented under "Error Codes"; None where the reply has none."""
        self.details = details or {}
        self.request_id = request_id
        """To be named to ChaozCode's support."""
        self.rate_limit = rate_limit
        self.retry_after = retry_after


class InvalidRequest(ChaozCodeError):
    """400: malformed request or missing parameters."""

    permanent = True


class Unauthorized(ChaozCodeError):
    """401: invalid or missing API key."""

    permanent = True


class Forbidden(ChaozCodeError):
    """403: the API key lacks required permissions."""

    permanent = True


class NotFound(ChaozCodeError):
    """404: the resource doesn't exist."""

    permanent = True


class Conflict(ChaozCodeError):
    """409: the resource already exists."""

    permanent = True


class ValidationFailed(ChaozCodeError):
    """422: request validation failed; `details` tell which field."""

    permanent = True


class RateLimited(ChaozCodeError, TryLater):
    """429: too many requests."""

    is_transient = True
    is_repeatable = True

    def __init__(self, message: str, *, retry_after: float | None = None, **fields: Any) -> None:  # noqa: ANN401
        super().__init__(
            message, retry_after=_RATE_LIMITED_SECONDS if retry_after is None else retry_after, **fields
        )
        self.is_wait_guessed = retry_after is None


class InternalError(ChaozCodeError):
    """500: an error of the server's, documented as safe to repeat."""

    is_transient = True
    is_repeatable = True


class ServiceUnavailable(ChaozCodeError):
    """503: a temporary outage."""

    is_transient = True


DOCUMENTED: Final[tuple[tuple[int, str, type[ChaozCodeError]], ...]] = (
    (400, "INVALID_REQUEST", InvalidRequest),
    (401, "UNAUTHORIZED", Unauthorized),
    (403, "FORBIDDEN", Forbidden),
    (404, "NOT_FOUND", NotFound),
    (409, "CONFLICT", Conflict),
    (422, "VALIDATION_ERROR", ValidationFailed),
    (429, "RATE_LIMITED", RateLimited),
    (500, "INTERNAL_ERROR", InternalError),
    (503, "SERVICE_UNAVAILABLE", ServiceUnavailable),
)
"""The table of "Error Codes": status, code, and the error of ours."""


class UnexpectedStatus(ChaozCodeError):
    """A status that the API reference does not name; permanent when it is of the client's kind (4xx)."""

    def __init__(self, message: str, *, status: int, **fields: Any) -> None:  # noqa: ANN401
        super().__init__(message, status=status, **fields)
        self.is_transient = status in _PASSING
        self.permanent = 400 <= status < 500 and not self.is_transient


class AgentUnfinished(ApiError):
    """The agent still runs at the deadline of `agents.wait`."""

    is_transient = False

    def __init__(self, agent_id: str, status: str | None) -> None:
        super().__init__(f"the agent {agent_id} is still {status or 'without a status'} at the deadline")
        self.agent_id = agent_id
        self.status = status
