"""What `ctx.http` does in a dry run: it notes each request and sends none."""

from dataclasses import dataclass
from typing import Final

import httpx2

from .http_client import redacted
from .storable import storable

_CALLS_AT_MOST: Final = 100
_URL_LIMIT: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that would have been sent."""

    method: str
    url: str
    """Without secrets: see `http_client.redacted`."""


class RecordingTransport(httpx2.BaseTransport):
    """Answers every request with 200 and an empty JSON object."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        """The first of them."""
        self.left_out = 0
        """How many more there were."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()  # what makes the body may fail, as it would when it is sent
        if len(self.calls) < _CALLS_AT_MOST:
            method = storable(request.method, 50)
            self.calls.append(Call(method=method, url=storable(redacted(request.url), _URL_LIMIT)))
        else:
            self.left_out += 1
        return httpx2.Response(200, json={})
