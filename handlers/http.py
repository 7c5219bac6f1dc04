"""`ctx.http`: one client for one attempt, made when it is first used and closed when the attempt ends."""

from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it takes a quarter of a second to load, and many handlers send nothing
    import httpx2


class HttpMisused(Exception):  # noqa: N818 - named for what happened
    """`ctx.http` was used where nothing can be sent."""


class AttemptHttp:
    """The HTTP client of one attempt.

    Nothing is kept for the next one: neither cookies, which would tell one event's business to another, nor
    connections, which a fork would share and which a timeout may strike in the midst of a request.
    """

    def __init__(self, *, seconds: float, transport: "httpx2.BaseTransport | None" = None) -> None:
        """`seconds` is how long the attempt may take from now; `transport` answers in the network's place."""
        self._ends_at = monotonic() + seconds
        self._transport = transport
        self._client: httpx2.Client | None = None
        self._lock = Lock()  # handlers may use threads

    def client(self) -> "httpx2.Client":
        """Return the attempt's client, made on first use."""
        with self._lock:
            if self._client is None:
                from .http_client import make_client  # noqa: PLC0415 - see above

                self._client = make_client(self._seconds_left, self._transport)
            return self._client

    def close(self) -> None:
        """Close its connections; never raises."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):  # a handler may have done anything to it
                client.close()

    def _seconds_left(self) -> float:
        return self._ends_at - monotonic()


def no_http() -> "httpx2.Client":
    """Stand in where nothing may be sent, as in tests."""
    raise HttpMisused(
        "a test sends nothing: answer in its place with run(handler, event, "
        "http=httpx2.MockTransport(lambda request: httpx2.Response(200, json={})))"
    )
