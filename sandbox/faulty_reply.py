"""The replies that faults give: errors in the shape of the API that was called."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from random import Random
from typing import Any, Final

from sandbox.faults import Fault

_CHAOZCODE: Final = {
    "429": ("Too Many Requests", "RATE_LIMITED", "Too many requests"),
    "500": ("Internal Server Error", "INTERNAL_ERROR", "Server error (retry safe)"),
    "503": ("Service Unavailable", "SERVICE_UNAVAILABLE", "Temporary outage"),
}
_CHUCKY: Final[dict[str, dict[str, Any]]] = {
    "429": {"error": "concurrent_limit_reached", "active": 1, "max": 1, "sessions": []},
    "500": {"error": "internal_error"},
    "503": {"error": "service_unavailable"},
}
CHUCKY_PATHS: Final = ("/prompt", "/usage")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyReply:
    status: str
    headers: list[tuple[str, str]]
    body: bytes


def faulty_reply(fault: Fault, path: str, *, now: datetime, chance: Random) -> FaultyReply:
    """Give the error that a fault of kind 429, 500 or 503 makes of a call to this path."""
    reason, code, message = _CHAOZCODE[fault.kind]
    headers = [("Content-Type", "application/json")]
    if path in CHUCKY_PATHS:
        body = _CHUCKY[fault.kind]
    else:
        request_id = f"req_{chance.getrandbits(64):016x}"
        text = f"{message}; a fault of the sandbox"
        body = {"error": {"code": code, "message": text, "details": {}, "requestId": request_id}}
        headers += _rate_limit_headers(fault, now)
    encoded = json.dumps(body, separators=(",", ":")).encode()
    return FaultyReply(
        status=f"{fault.kind} {reason}",
        headers=[*headers, ("Content-Length", str(len(encoded)))],
        body=encoded,
    )


def _rate_limit_headers(fault: Fault, now: datetime) -> list[tuple[str, str]]:
    ends = now + timedelta(seconds=fault.seconds)
    return [
        ("X-RateLimit-Limit", "60"),
        ("X-RateLimit-Remaining", "0" if fault.kind == "429" else "59"),
        ("X-RateLimit-Reset", str(ceil(ends.timestamp()))),
        ("X-RateLimit-RetryAfter", str(ceil(fault.seconds))),
    ]
