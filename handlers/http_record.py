"""What `ctx.http` and the APIs' clients do in a dry run: each request is noted, and none is sent."""

from collections.abc import Callable
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


def _empty(_request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json={})


class RecordingTransport(httpx2.BaseTransport):
    """Answers every request with 200 and an empty JSON object."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        """The first of them."""
        self.left_out = 0
        """How many more there were."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.answering(_empty).handle_request(request)

    def answering(self, answer: Callable[[httpx2.Request], httpx2.Response]) -> httpx2.BaseTransport:
        """Give a transport that answers otherwise, and notes its requests here."""

        def note_and_answer(request: httpx2.Request) -> httpx2.Response:
            request.read()  # what makes the body may fail, as it would when it is sent
            self._note(request)
            return answer(request)

        return httpx2.MockTransport(note_and_answer)

    def _note(self, request: httpx2.Request) -> None:
        if len(self.calls) < _CALLS_AT_MOST:
            method = storable(request.method, 50)
            self.calls.append(Call(method=method, url=storable(redacted(request.url), _URL_LIMIT)))
        else:
            self.left_out += 1
