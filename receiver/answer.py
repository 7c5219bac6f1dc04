"""What the caller is told: a status and a JSON body, errors in ChaozCode's own shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from eventlog.arrival import Receipt

RETRY_AFTER_SECONDS: Final = 5


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP response."""

    status: int
    payload: Mapping[str, Any]
    headers: Mapping[str, str] = {}

    @property
    def body(self) -> bytes:
        return msgspec.json.encode(self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is not taken, in words for the caller, which give nothing away."""

    status: int
    code: str
    message: str
    details: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self, request_id: str) -> Answer:
        """Shape it as ChaozCode's API reference shapes errors ("Error Handling")."""
        error = {
            "code": self.code,
            "message": self.message,
            "details": self.details,
            "requestId": request_id,
        }
        return Answer(status=self.status, payload={"error": error}, headers=self.headers)


UNSIGNED: Final = Refusal(
    status=401,
    code="UNAUTHORIZED",
    message="The X-ChaozCode-Signature header is missing or is not this body's signature.",
)
TOO_SLOW: Final = Refusal(
    status=408, code="REQUEST_TIMEOUT", message="The request's body did not arrive in time."
)
UNAVAILABLE: Final = Refusal(
    status=503,
    code="SERVICE_UNAVAILABLE",
    message="The event can't be stored now and was not accepted. Send it again later.",
    headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
)
CROWDED: Final = Refusal(
    status=503,
    code="SERVICE_UNAVAILABLE",
    message="Too many bodies arrive at once; this one was given up and not accepted. Send it again later.",
    headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
)
CUT_OFF: Final = Refusal(
    status=400, code="INVALID_REQUEST", message="The request's body ended before its Content-Length."
)
NOT_FOUND: Final = Refusal(
    status=404, code="NOT_FOUND", message="Nothing is here. Webhooks are received at /webhooks/chaozcode."
)
INTERNAL: Final = Refusal(
    status=500, code="INTERNAL_ERROR", message="The request could not be handled; the log says why."
)


def too_large(limit: int) -> Refusal:
    return Refusal(
        status=413, code="PAYLOAD_TOO_LARGE", message=f"The body is larger than the {limit} bytes allowed."
    )


def invalid(reason: str) -> Refusal:
    return Refusal(status=400, code="INVALID_REQUEST", message=f"The body is not a JSON object: {reason}.")


def unusable(field_name: str, reason: str) -> Refusal:
    return Refusal(
        status=422,
        code="VALIDATION_ERROR",
        message=f"The event's {field_name} {reason}.",
        details={"field": field_name, "reason": reason},
    )


def method_not_allowed(allowed: Sequence[str]) -> Refusal:
    named = ", ".join(allowed)
    return Refusal(
        status=405,
        code="METHOD_NOT_ALLOWED",
        message=f"Only {named} is allowed.",
        headers={"Allow": named},
    )


def received(event_id: str, receipt: Receipt) -> Answer:
    """Tell that an event was stored, now or before."""
    if receipt is Receipt.NEW:
        return Answer(status=202, payload={"status": "accepted", "id": event_id})
    return Answer(status=200, payload={"status": "duplicate", "id": event_id})
