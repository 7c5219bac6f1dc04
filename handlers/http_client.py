"""The client behind `ctx.http`: bounded in time by the attempt, and silent about what URLs may hold.

httpx2.HTTPStatusError
└── UnwantedStatus     what `response.raise_for_status()` raises; its words hold no secret of the URL
    └── AskedToWait    429 or 503 with Retry-After: the handler is called again then
"""

from collections.abc import Callable
from typing import Final

import httpx2

from clients.http import certificates, silence_loggers, user_agent
from clients.rate_limit import SOONEST_SECONDS, seconds_of

from .duration import LONGEST

_CONNECT_SECONDS: Final = 5.0
_OTHER_SECONDS: Final = 20.0
_MARGIN_SECONDS: Final = 0.2
"""A request gives up so long before the attempt's end: its own error tells more than the timeout's."""
_LEAST_SECONDS: Final = 0.05
_WAITS: Final = (httpx2.codes.TOO_MANY_REQUESTS, httpx2.codes.SERVICE_UNAVAILABLE)
_HIDDEN: Final = "***"


class UnwantedStatus(httpx2.HTTPStatusError):
    """The answer's status is no success."""


class AskedToWait(UnwantedStatus):
    """The other side is busy, and named when to come again."""

    def __init__(self, message: str, *, response: httpx2.Response, retry_after: float) -> None:
        super().__init__(message, request=response.request, response=response)
        self.retry_after = retry_after
        """Seconds from now."""


class Answer(httpx2.Response):
    """A response whose `raise_for_status` says when to come again, and repeats no secret of the URL."""

    def raise_for_status(self) -> httpx2.Response:
        if self.is_success:
            return self
        message = (
            f"{self.request.method} {redacted(self.request.url)} answered {self.status_code} "
            f"{self.reason_phrase}".rstrip()
        )
        wait = _retry_after(self) if self.status_code in _WAITS else None
        if wait is None:
            raise UnwantedStatus(message, request=self.request, response=self)
        raise AskedToWait(f"{message}; to be tried again in {wait:g} s", response=self, retry_after=wait)


def make_client(
    seconds_left: Callable[[], float], transport: httpx2.BaseTransport | None = None
) -> httpx2.Client:
    """Make a client whose requests end before the attempt does; `transport` stands in for the network."""
    silence_loggers()

    def bound(request: httpx2.Request) -> None:
        most = max(seconds_left() - _MARGIN_SECONDS, _LEAST_SECONDS)
        asked = request.extensions.get("timeout", {})
        request.extensions["timeout"] = {
            phase: most if asked.get(phase) is None else min(asked[phase], most)
            for phase in ("connect", "read", "write", "pool")
        }

    return httpx2.Client(
        headers={"User-Agent": user_agent()},
        timeout=httpx2.Timeout(_OTHER_SECONDS, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        event_hooks={"request": [bound], "response": [_become_answer]},
        transport=transport,
        verify=True if transport else certificates(),
    )


def redacted(url: httpx2.URL) -> str:
    """Write a URL without its user, password and fragment, and with the names alone of its query."""
    port = "" if url.port is None else f":{url.port}"
    host = f"[{url.host}]" if ":" in url.host else url.host
    path = url.raw_path.partition(b"?")[0].decode("ascii", "replace")
    parts = url.query.decode("ascii", "replace").split("&") if url.query else ()
    # What has no name may itself be a secret.
    query = "&".join(f"{part.partition('=')[0]}={_HIDDEN}" if "=" in part else _HIDDEN for part in parts)
    return f"{url.scheme}://{host}{port}{path}" + (f"?{query}" if query else "")


def _become_answer(response: httpx2.Response) -> None:
    # Not made as one: the network's transport makes it, and one of our own would leave out proxies.
    response.__class__ = Answer


def _retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds of Retry-After; None where it is unusable, or too far off for a retry."""
    seconds = seconds_of(response.headers.get("Retry-After"))
    if seconds is None or seconds > LONGEST.total_seconds():
        return None
    # 0 would have the handler called without a pause, and uses up no retry.
    return max(seconds, SOONEST_SECONDS)
