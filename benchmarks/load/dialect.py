"""How an event is put into a request: what each candidate's sender would send."""

import hmac
from collections.abc import Callable
from typing import Final

from benchmarks.load.payload import Payload

SECRET: Final = b"whsec_benchmark"
PATH: Final = "/webhooks/chaozcode"

Dialect = Callable[[Payload], str]
"""Gives the headers that name and sign the event, each with its end of line."""


def chaozcode(payload: Payload) -> str:
    return f"X-ChaozCode-Signature: sha256={_digest(payload.body)}\r\n"


def github(payload: Payload) -> str:
    return (
        f"X-GitHub-Event: push\r\nX-GitHub-Delivery: {payload.id}\r\n"
        f"X-Hub-Signature-256: sha256={_digest(payload.body)}\r\n"
    )


def request_bytes(payload: Payload, dialect: Dialect, *, keep_alive: bool = True) -> bytes:
    """Give the whole request, byte for byte as it goes over the wire."""
    closing = "" if keep_alive else "Connection: close\r\n"
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(payload.body)}\r\n{closing}{dialect(payload)}\r\n"
    )
    return head.encode() + payload.body


def _digest(body: bytes) -> str:
    return hmac.digest(SECRET, body, "sha256").hex()
