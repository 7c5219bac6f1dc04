"""A transport that holds every request and every reply to the description, and remembers what was sent."""

import json
from collections import defaultdict
from typing import Any

import httpx2
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.api.descriptions import Description


class SentRequest:
    """A request, as openapi-core wants to see it."""

    def __init__(self, request: httpx2.Request) -> None:
        self.host_url = f"{request.url.scheme}://{request.url.netloc.decode()}"
        self.path = request.url.raw_path.decode().partition("?")[0]
        self.method = request.method.lower()
        self.body = request.content or None
        self.content_type = request.headers.get("Content-Type", "")
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.url.params.multi_items()),
            header=Headers(list(request.headers.items())),
        )


class CameReply:
    """A reply, as openapi-core wants to see it."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status_code = response.status_code
        self.headers = Headers(list(response.headers.items()))
        self.content_type = response.headers.get("Content-Type", "")
        self.data = response.content


class HeldWire(httpx2.BaseTransport):
    """Passes calls on to another transport, and raises where one is not as described."""

    def __init__(self, described: Description, inner: httpx2.BaseTransport) -> None:
        self._described = described
        self._inner = inner
        self._sent: dict[str, set[str]] = defaultdict(set)
        self.requests: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.requests.append(request)
        seen = SentRequest(request)
        result = self._described.validator.unmarshal_request(seen)
        result.raise_for_errors()
        response = self._inner.handle_request(request)
        response.read()
        self._described.validator.validate_response(seen, CameReply(response))
        self._note(request)
        return response

    def _note(self, request: httpx2.Request) -> None:
        path = request.url.raw_path.decode().removeprefix(httpx2.URL(self._described.url).path.rstrip("/"))
        body: dict[str, Any] = json.loads(request.content) if request.content else {}
        self._sent[f"{request.method} {path}"] |= set(body) | set(body.get("options", ()))

    def parameters_sent(self, endpoint: str) -> set[str]:
        """Give the names of the parameters that were sent so far to an endpoint, such as `POST /query`."""
        return self._sent[endpoint]

    def close(self) -> None:
        self._inner.close()
