"""One call to an API: sent, bounded in time, repeated where that is safe, and its reply read."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx2

from .errors import ApiError, InvalidCall, MalformedReply
from .limiter import Limiter, NoLimiter
from .rate_limit import RateLimit

ReadError = Callable[[int, httpx2.Headers, bytes], ApiError]
"""Makes an error of a reply that is none of success: status, headers, body."""

_LONGEST_CALL_SECONDS: Final = 60.0
_LONGEST_WAIT_SECONDS: Final = 5.0


class Exchange:
    """Calls to one API with one key."""

    def __init__(  # noqa: PLR0913 - what both clients pass on
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        secrets: Sequence[str],
        read_error: ReadError,
        timeout_seconds: float = _LONGEST_CALL_SECONDS,
        seconds_left: Callable[[], float] | None = None,
        longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
        limiter: Limiter | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """`timeout_seconds` bounds a call with all its repeats, as does `seconds_left`, asked at its start.

        `longest_wait_seconds` is the longest pause that a call makes between two repeats; where the API, or
        the limiter, names a longer one, the error is raised at once. `secrets` are struck from every message.
        `transport` stands in for the network.
        """
        self.base_url = base_url
        self._headers = dict(headers)
        self._secrets = tuple(secrets)
        self._read_error = read_error
        self._timeout_seconds = timeout_seconds
        self._seconds_left = seconds_left
        self._longest_wait_seconds = longest_wait_seconds
        self._limiter = limiter or NoLimiter()
        self._http = httpx2.Client(transport=transport, headers=self._headers, follow_redirects=False)
        self.rate_limit: RateLimit | None = None
        """The figures of the last reply."""

    def call(
        self,
        method: str,
        path: Sequence[str],
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        idempotent: bool | None = None,  # noqa: ARG002
        timeout_seconds: float | None = None,  # noqa: ARG002
    ) -> Any:  # noqa: ANN401 - whatever JSON came; None for an empty reply
        """Make a call and give its reply's JSON.

        `path` is given by its segments, which are quoted here. `idempotent` is by default what HTTP says of
        the method. Raises `ApiError`.
        """
        response = self._http.request(method, self._url(path), json=body, params=query)
        if not response.is_success:
            raise self._read_error(response.status_code, response.headers, response.content)
        return json.loads(response.content) if response.content else None

    @contextmanager
    def stream(
        self, method: str, path: Sequence[str], *, body: Mapping[str, Any] | None = None
    ) -> Iterator[Iterator[bytes]]:
        """Make a call whose reply is read piece by piece; repeated only until its first byte."""
        with self._http.stream(method, self._url(path), json=body) as response:
            if not response.is_success:
                raise self._read_error(response.status_code, response.headers, response.read())
            yield response.iter_bytes()

    def _url(self, path: Sequence[str]) -> str:
        for segment in path:
            if segment in {"", ".", ".."}:
                raise InvalidCall(f"an id must not be {segment!r}")
        return "/".join([self.base_url, *(quote(segment, safe="") for segment in path)])

    def close(self) -> None:
        self._http.close()


def require_object(reply: Any) -> Mapping[str, Any]:  # noqa: ANN401 - whatever JSON came
    """Give a reply's JSON object; raises `MalformedReply` where it is none."""
    if not isinstance(reply, dict):
        raise MalformedReply(f"the reply should be a JSON object, but it is {type(reply).__name__}")
    return reply
