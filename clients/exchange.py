"""One call to an API: sent, bounded in time, repeated where that is safe, and its reply read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, TypeVar

import httpx2

from .deadline import Deadline, hold_to_deadlines
from .errors import ApiError, InvalidCall, LimitReached, MalformedReply, NotConnected, ReplyLost, TryLater
from .http import certificates, silence_loggers, user_agent
from .limiter import Limiter, NoLimiter
from .limits import is_this_machine
from .rate_limit import RateLimit
from .receiving import as_much_as_came, content_type, failures_as_ours, parsed, pieces_of, redirected
from .redaction import Redaction
from .retrying import repeated
from .sending import Target, checked_base_url, checked_headers, encoded

_Reply = TypeVar("_Reply")

ReadError = Callable[[int, httpx2.Headers, bytes], ApiError]
"""Makes an error of a reply that is no success: status, headers, body; our secrets are struck from them."""

_LONGEST_CALL_SECONDS: Final = 60.0
_LONGEST_WAIT_SECONDS: Final = 5.0
_EVENT_STREAM: Final = "text/event-stream"
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""RFC 9110, 9.2.2."""


class Exchange:
    """Calls to one API with one key; one object for any number of threads.

    A call ends at its deadline, whatever the other side sends or fails to send. It raises `ApiError` alone,
    in words that tell the call and what came, and hold none of the secrets. No redirect is followed. Of a
    reply over 32 MiB nothing is given. A call is made again only where that is safe, and at most four times.
    """

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
        the limiter, names a longer one, the error is raised at once; with 0 nothing is repeated. `secrets`
        are struck from every message. `transport` stands in for the network. Raises `InvalidCall` for a URL
        or a header that can't be sent.
        """
        silence_loggers()
        self.base_url = checked_base_url(base_url)
        self._redaction = Redaction(secrets)
        self._read_error = read_error
        self._timeout_seconds = timeout_seconds
        self._seconds_left = seconds_left
        self._longest_wait_seconds = longest_wait_seconds
        self._limiter = limiter or NoLimiter()
        self._http = httpx2.Client(
            transport=transport,
            # A proxy of the environment can't reach this machine's own loopback, as the sandbox.
            trust_env=not is_this_machine(httpx2.URL(self.base_url).host),
            verify=True if transport else certificates(),
            follow_redirects=False,
            headers={
                "User-Agent": user_agent(),
                "Accept": "application/json",
                # A compressed event stream may come late, and a small reply unfold to a huge one.
                "Accept-Encoding": "identity",
                **checked_headers(headers),
            },
        )
        hold_to_deadlines(self._http)
        self.rate_limit: RateLimit | None = None
        """The figures of the last reply."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    def call(
        self,
        method: str,
        path: Sequence[str],
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        timeout_seconds: float | None = None,
    ) -> Any:  # noqa: ANN401 - whatever JSON came; None for an empty reply
        """Make a call and give its reply's JSON.

        `path` is given by its segments, which are quoted here. `idempotent` is by default what HTTP says of
        the method. `timeout_seconds` stands in for the client's own. Raises `ApiError`.
        """
        call = _Call(
            target=Target(method, path),
            body=encoded(body),
            query=query,
            headers=checked_headers(headers or {}),
            deadline=self._deadline(timeout_seconds),
        )
        # Chucky's hold the token, which tools that show a traceback's variables would show.
        del body, headers

        unheard = False

        def send() -> Any:  # noqa: ANN401
            nonlocal unheard
            try:
                return self._sent(call)
            except ApiError as error:
                if (
                    unheard
                    and method == "DELETE"
                    and getattr(error, "status", None) == httpx2.codes.NOT_FOUND
                ):
                    return None  # deleted by the request whose reply was lost
                unheard = unheard or isinstance(error, ReplyLost)
                raise

        return self._repeated(
            send, call, idempotent=method in _IDEMPOTENT if idempotent is None else idempotent
        )

    def _sent(self, call: "_Call") -> Any:  # noqa: ANN401
        response = self._open(call)
        try:
            whole = b"".join(self._pieces(response, call))
        finally:
            response.close()
        return parsed(response, whole, call.target, self._redaction)

    @contextmanager
    def stream(
        self, method: str, path: Sequence[str], *, body: Mapping[str, Any] | None = None
    ) -> Iterator[Iterator[bytes]]:
        """Make a call whose reply is an event stream; repeated only until its first byte.

        Raises `MalformedReply` where the reply is of another content type, and `ReplyLost` from the iterator
        where the connection breaks or the deadline passes.
        """
        call = _Call(
            target=Target(method, path),
            body=encoded(body),
            headers={"Accept": _EVENT_STREAM},
            deadline=self._deadline(None),
        )
        del body  # as above

        def begin() -> tuple[httpx2.Response, Iterator[bytes]]:
            response = self._open(call)
            try:
                self._require_event_stream(response, call)
                pieces = self._pieces(response, call)
                return response, chain([next(pieces, b"")], pieces)
            except BaseException:
                response.close()
                raise

        response, pieces = self._repeated(begin, call, idempotent=method in _IDEMPOTENT)
        try:
            yield pieces
        finally:
            response.close()

    def scrub(self, text: str) -> str:
        """Strike the secrets from what is to be shown of a reply."""
        return self._redaction.text(text)

    def close(self) -> None:
        self._http.close()

    def _deadline(self, timeout_seconds: float | None) -> Deadline:
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        return Deadline(seconds if self._seconds_left is None else min(seconds, self._seconds_left()))

    def _repeated(self, send: "Callable[[], _Reply]", call: "_Call", *, idempotent: bool) -> "_Reply":
        try:
            return repeated(
                send,
                idempotent=idempotent,
                seconds_left=call.deadline.left,
                longest_wait_seconds=self._longest_wait_seconds,
            )
        except ApiError as error:
            # The frames within tell users nothing, and hold the key where a tool shows their variables.
            raise error.with_traceback(None)  # noqa: B904 - it is the same error

    def _open(self, call: "_Call") -> httpx2.Response:
        """Send the call and give its reply, of which the body is still to be read; it is one of success."""
        request = self._request(call)
        wait = self._limiter.take()
        if wait > 0:
            raise LimitReached(wait)
        with failures_as_ours(call.target, self._redaction):
            response = self._http.send(request, stream=True)
        try:
            self._judge(response, call)
        except BaseException:
            response.close()
            raise
        return response

    def _judge(self, response: httpx2.Response, call: "_Call") -> None:
        """Take note of the limits that the reply names; raise its error, where it is one."""
        self.rate_limit = RateLimit.read(response.headers)
        if response.is_success:
            self._limiter.heed(self.rate_limit, refused_for=None)
            return
        error = self._refusal(response, call)
        is_refused = response.status_code == httpx2.codes.TOO_MANY_REQUESTS and isinstance(error, TryLater)
        self._limiter.heed(self.rate_limit, refused_for=error.retry_after if is_refused else None)
        raise error

    def _request(self, call: "_Call") -> httpx2.Request:
        if self._http.is_closed:
            raise InvalidCall(f"{call.target}: the client is closed")
        if call.deadline.left() <= 0:
            raise NotConnected(f"{call.target}: no time is left for the call; nothing was sent")
        try:
            return self._http.build_request(
                call.target.method,
                call.target.url(self.base_url),
                content=call.body,
                params=call.query,
                headers={
                    **({} if call.body is None else {"Content-Type": "application/json"}),
                    **call.headers,
                },
                extensions={"timeout": call.deadline.timeouts()},
            )
        except httpx2.InvalidURL:
            raise InvalidCall(
                f"{call.target.method}: the call's URL can't be sent: is an id too long?"
            ) from None

    def _refusal(self, response: httpx2.Response, call: "_Call") -> ApiError:
        elsewhere = redirected(response, call.target, self._redaction)
        if elsewhere is not None:
            return elsewhere
        body = as_much_as_came(self._pieces(response, call))
        headers = httpx2.Headers(
            [(name, self.scrub(value)) for name, value in response.headers.multi_items()]
        )
        error = self._read_error(response.status_code, headers, self._redaction.data(body))
        error.args = (f"{call.target}: {error}", *error.args[1:])
        return error

    def _pieces(self, response: httpx2.Response, call: "_Call") -> Iterator[bytes]:
        return pieces_of(response, call.target, call.deadline, self._redaction)

    def _require_event_stream(self, response: httpx2.Response, call: "_Call") -> None:
        kind = content_type(response)
        if kind != _EVENT_STREAM:
            shown = self.scrub(kind) or "a reply of no type"
            raise MalformedReply(f"{call.target} should answer with an event stream, but it is {shown}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    target: Target
    body: bytes | None = field(repr=False)
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(repr=False)
    deadline: Deadline
