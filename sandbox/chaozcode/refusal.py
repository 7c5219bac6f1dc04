"""Replies that refuse a request, as documented in "Error Handling"."""

from collections.abc import Mapping
from typing import Any, Final

CODES: Final[Mapping[int, str]] = {
    400: "INVALID_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
"""The documented codes by their status."""


class Refused(Exception):  # noqa: N818 - errors here name what happened
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str, **details: Any) -> None:  # noqa: ANN401 - any JSON
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details


def missing(field: str) -> Refused:
    """A required field is not there; worded as the documented example."""
    message = f"The request body is missing required field '{field}'"
    return Refused(400, message, field=field, reason="required")


def not_valid(field: str, reason: str, **more: Any) -> Refused:  # noqa: ANN401 - any JSON
    """A field is there, but not as documented."""
    return Refused(422, f"The field '{field}' is not valid: {reason}", field=field, reason=reason, **more)


def error_body(status: int, message: str, details: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    """Give the documented body; a status without a code of its own has the nearest one."""
    code = CODES.get(status, "INVALID_REQUEST" if status < 500 else "INTERNAL_ERROR")
    return {
        "error": {"code": code, "message": message, "details": dict(details), "requestId": request_id},
    }
