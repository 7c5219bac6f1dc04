"""Exchanges with made-up keys, whose errors tell the status and all that came."""

from collections.abc import Callable
from typing import Any

import httpx2

from clients.chaozcode.error_reply import read_error
from clients.exchange import Exchange

KEY = "cc_live_0123456789abcdef/+&Z"


def exchange(base_url: str = "https://api.test/v2", **options: Any) -> Exchange:
    settings: dict[str, Any] = {
        "headers": {"Authorization": f"Bearer {KEY}"},
        "secrets": (KEY,),
        "read_error": read_error,
        "timeout_seconds": 5,
        **options,
    }
    return Exchange(base_url, **settings)


def answered(answer: Callable[[httpx2.Request], httpx2.Response], **options: Any) -> Exchange:
    return exchange(transport=httpx2.MockTransport(answer), **options)


def in_turn(*answers: httpx2.Response | Exception) -> Callable[[httpx2.Request], httpx2.Response]:
    """Answer each request with the next of these, and count on there being no more."""
    left = list(answers)

    def answer(_request: httpx2.Request) -> httpx2.Response:
        next_one = left.pop(0)
        if isinstance(next_one, Exception):
            raise next_one
        return next_one

    return answer
