"""Chucky in the network's place: it gives each path one reply, and keeps what was asked."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from clients.chucky.client import Chucky

NOW = datetime(2026, 1, 14, 15, 0, tzinfo=UTC)
USAGE = {
    "user_id": "demo-user",
    "issuer_id": "jd77az049xjwsv0pbjqbrkfjws7z5136",
    "window": "day",
    "window_start": "2026-01-14T00:00:00.000Z",
    "allowed": True,
    "ai": {"used": 150000, "remaining": 4850000, "budget": 5000000},
    "compute": {"used": 84, "remaining": 359916, "budget": 360000},
}
ANSWER = {
    "result": {
        "type": "result",
        "subtype": "success",
        "text": "The capital of France is Paris.",
        "total_cost_usd": 0.0012,
        "duration_secs": 1.5,
        "usage": {"input_tokens": 50, "output_tokens": 20},
    },
    "messages": [
        {"type": "assistant", "subtype": "text", "text": "The capital of France is Paris."},
        {
            "type": "result",
            "subtype": "success",
            "text": "The capital of France is Paris.",
            "total_cost_usd": 0.0012,
        },
    ],
    "sessionId": "550e8400-e29b-41d4-a716-446655440000",
}


def a_token(**claims: Any) -> str:
    """Make a JWT, unlike any other of these claims alone by its signature's words."""
    parts = ({"alg": "HS256"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"])


TOKEN = a_token(sub="demo-user", exp=NOW.timestamp() + 86400)


@dataclass
class Prompted:
    """Set what `/prompt` and `/usage` reply; make a call by `client`; read what was asked."""

    prompt: Any = field(default_factory=lambda: ANSWER)
    prompt_status: int = 200
    usage: Any = field(default_factory=lambda: USAGE)
    usage_status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    requests: list[httpx2.Request] = field(default_factory=list)
    token: str = TOKEN
    longest_wait_seconds: float = 0

    @property
    def client(self) -> Chucky:
        return Chucky(
            self.token,
            longest_wait_seconds=self.longest_wait_seconds,
            transport=httpx2.MockTransport(self._answer),
            now=lambda: NOW,
        )

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]

    @property
    def body(self) -> Any:
        return json.loads(self.requests[0].content)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if request.url.path == "/usage":
            reply, status, kind = self.usage, self.usage_status, "application/json"
        else:
            reply, status, kind = self.prompt, self.prompt_status, self.content_type
        if isinstance(reply, Exception):
            raise reply
        content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        return httpx2.Response(status, headers={"Content-Type": kind, **self.headers}, content=content)
