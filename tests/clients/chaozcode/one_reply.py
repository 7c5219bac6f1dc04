"""ChaozCode in the network's place: it gives one reply to every call, and keeps what was asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from clients.chaozcode.client import ChaozCode

KEY = "cc_live_abc123"


@dataclass
class OneReply:
    """Set `json` or `content`, and `status`; make a call by `client`; read what was asked."""

    json: Any = field(default_factory=dict)
    content: bytes | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)
    base_url: str = "https://api.chaozcode.com/v2"

    @property
    def client(self) -> ChaozCode:
        return ChaozCode(
            KEY, base_url=self.base_url, longest_wait_seconds=0, transport=httpx2.MockTransport(self._answer)
        )

    @property
    def asked(self) -> tuple[str, str]:
        """The method and the path of the only request."""
        (request,) = self.requests
        return request.method, request.url.raw_path.decode()

    @property
    def body(self) -> Any:
        (request,) = self.requests
        return json.loads(request.content)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        content = json.dumps(self.json).encode() if self.content is None else self.content
        return httpx2.Response(
            self.status, headers={"Content-Type": "application/json", **self.headers}, content=content
        )
