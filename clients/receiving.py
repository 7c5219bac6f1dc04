"""A reply as it comes in: bounded in time and size, its failures told in our own words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx2

from .deadline import Deadline
from .errors import MalformedReply, NotConnected, Redirected, ReplyLost, TransportFailed
from .redaction import Redaction
from .reply import read_json
from .sending import Target

LARGEST_REPLY: Final = 32 * 1024 * 1024
EXCERPT_LENGTH: Final = 80
_NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_TAG: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_MOST_LOOKED_AT: Final = 10_000


@contextmanager
def failures_as_ours(target: Target, redaction: Redaction) -> Iterator[None]:
    """Raise `TransportFailed` or `MalformedReply` for what httpx2 raises within."""
    try:
        yield
    except httpx2.RequestError as error:
        # Without a cause: httpx2's errors hold the request, and so the key.
        raise _as_ours(error, target, redaction) from None


def pieces_of(
    response: httpx2.Response, target: Target, deadline: Deadline, redaction: Redaction
) -> Iterator[bytes]:
    """Give a reply's body piece by piece.

    Raises `ReplyLost` where it breaks off or the time is up, `MalformedReply` where it is too large.
    """
    size = 0
    with failures_as_ours(target, redaction):
        for piece in response.iter_bytes():
            size += len(piece)
            if size > LARGEST_REPLY:
                raise MalformedReply(f"{target}: the reply is larger than {LARGEST_REPLY >> 20} MiB")
            if deadline.left() <= 0:
                raise ReplyLost(f"{target}: the reply was still coming when the time of the call was up")
            yield piece


def as_much_as_came(pieces: Iterator[bytes]) -> bytes:
    """Read an error's body: its status tells more than what became of the body."""
    came = bytearray()
    with suppress(TransportFailed, MalformedReply):
        for piece in pieces:
            came += piece
    return bytes(came)


def parsed(response: httpx2.Response, body: bytes, target: Target, redaction: Redaction) -> Any:  # noqa: ANN401
    """Give the JSON of a reply, None for an empty one; raises `MalformedReply`."""
    if not body.strip():
        return None
    try:
        # What a reply holds may be kept, as `ctx.once` does: a key that was sent back must not be.
        return read_json(redaction.data(body))
    except (ValueError, RecursionError):
        kind = content_type(response) or "a reply of no type"
    raise MalformedReply(
        f"{target} answered {response.status_code} with {redaction.text(kind)} that can't be read as JSON: "
        f"{excerpt(redaction.data(body))}"
    )


def content_type(response: httpx2.Response) -> str:
    """Give it without its parameters, in lower case; empty where there is none."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()[:EXCERPT_LENGTH]


def excerpt(body: bytes) -> str:
    """Quote the start of a reply's text in one line; of an HTML page, what a browser would show of it."""
    text = body[:_MOST_LOOKED_AT].decode("utf-8", "replace")
    line = " ".join(_TAG.sub(" ", text).split() if text.lstrip()[:1] == "<" else text.split())
    if not line:
        return "nothing"
    return ascii(line[:EXCERPT_LENGTH]) + ("…" if len(line) > EXCERPT_LENGTH else "")


def redirected(response: httpx2.Response, target: Target, redaction: Redaction) -> Redirected | None:
    """Give the error for a reply that sends us elsewhere; None for others."""
    location = response.headers.get("Location")
    if response.status_code // 100 != 3 or location is None:
        return None
    try:
        # Struck before it is taken apart: a key of which only a part is the host would not be found in it.
        host = urlsplit(urljoin(str(response.request.url), redaction.text(location))).hostname
    except ValueError:
        host = None
    shown = ascii(host)[1:-1][:EXCERPT_LENGTH] if host else "nowhere"
    return Redirected(
        f"{target} answered {response.status_code}, a redirect to {shown}, which was not followed;"
        " is the API's URL right?"
    )


def _as_ours(
    error: httpx2.RequestError, target: Target, redaction: Redaction
) -> TransportFailed | MalformedReply:
    host = target_host(error)
    reason = redaction.text(f"{error}"[:200]) or type(error).__name__
    if isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return NotConnected(f"{target}: no connection to {host} was made in time; nothing was sent")
    if isinstance(error, _NEVER_SENT):
        return NotConnected(f"{target}: {host} can't be reached: {reason}; nothing was sent")
    if isinstance(error, httpx2.DecodingError):
        return MalformedReply(f"{target}: the reply's compression can't be undone: {reason}")
    if isinstance(error, httpx2.TimeoutException):
        return ReplyLost(f"{target}: no whole reply came from {host} in time")
    return ReplyLost(f"{target}: the connection to {host} broke before the whole reply had come: {reason}")


def target_host(error: httpx2.RequestError) -> str:
    try:
        return error.request.url.host
    except RuntimeError:  # a transport that stands in may name no request
        return "the API"
