"""What both fakes have in common: the sandbox answers, unless the test said otherwise, and all is listed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx2

from handlers.apis import Access

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_HIDDEN_OPTION: Final = "token"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """A call that a handler made."""

    method: str
    path: str
    """Below the API's address, unquoted: `/memory/store`."""
    body: Any = None
    """The JSON that was sent, without Chucky's token; None where nothing was."""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Scripted:
    """What the test wants answered in the sandbox's place."""

    method: str
    path: str
    left: int | None
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    """Instead of an answer: why there is none."""


def require_error(status: object) -> None:
    """Raise `ValueError` unless it is the status of an error."""
    if not isinstance(status, int) or not 400 <= status <= 599:
        raise ValueError(f"{status!r} is no error that it answers: give a status from 400 to 599")


class FakeApi(httpx2.BaseTransport):
    """One API in the test's own process: it keeps what is stored in it, and sends nothing anywhere."""

    def __init__(self, application: "WSGIApplication", *, key: str, base_url: str) -> None:
        self.calls: list[ApiCall] = []
        """What handlers asked of it, in order; refused calls too."""
        self._sandbox = httpx2.WSGITransport(application)
        self._base_path = urlsplit(base_url).path
        self._key = key
        self._base_url = base_url
        self._scripted: list[Scripted] = []
        self._lock = Lock()  # handlers may use threads, as may several workers

    def answers(
        self, path: str, body: object, *, method: str = "GET", status: int = 200, times: int | None = None
    ) -> None:
        """Have calls answered with this JSON from now on, so many times or always.

        `path` is as in `calls`, and may hold `*`: `chaozcode.answers("/agents/*", {"status": "failed"})`.
        """
        self._script(Scripted(method=method, path=path, left=times, status=status, body=body))

    def is_away(self, *, on: str = "*", times: int | None = 1) -> None:
        """Have the next calls, or those to a path, find nobody there."""
        self._script(Scripted(method="*", path=on, left=times, error="nobody answers"))

    def recovers(self) -> None:
        """Take back all of `answers`, `fails` and `is_away` that is not used up."""
        with self._lock:
            self._scripted.clear()

    @property
    def access(self) -> Access:
        """What an attempt reaches it by. It repeats no call by itself: each error comes to the handler."""
        return Access(key=self._key, base_url=self._base_url, transport=self, longest_wait_seconds=0.0)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a call; for the client."""
        call = self._call(request)
        with self._lock:
            self.calls.append(call)
            scripted = self._take(call)
        if scripted is None:
            return self._sandbox.handle_request(request)
        if scripted.error is not None:
            raise httpx2.ConnectError(scripted.error, request=request)
        return httpx2.Response(scripted.status, headers=dict(scripted.headers), json=scripted.body)

    def _script(self, scripted: Scripted) -> None:
        if not scripted.path.startswith(("/", "*")):
            raise ValueError(
                f"no call is ever made of {scripted.path!r}: write the path as in `calls`, '/{scripted.path}'"
            )
        with self._lock:
            self._scripted.append(scripted)

    def _take(self, call: ApiCall) -> Scripted | None:
        for scripted in self._scripted:
            if scripted.method in ("*", call.method) and fnmatchcase(call.path, scripted.path):
                if scripted.left is not None:
                    scripted.left -= 1
                    if scripted.left <= 0:
                        self._scripted.remove(scripted)
                return scripted
        return None

    def _call(self, request: httpx2.Request) -> ApiCall:
        raw_path, _, query = request.url.raw_path.decode("ascii").partition("?")
        content = request.read()
        body: Any = json.loads(content) if content else None
        if isinstance(body, dict) and isinstance(body.get("options"), dict):
            body["options"].pop(_HIDDEN_OPTION, None)
        return ApiCall(
            method=request.method,
            path=unquote(raw_path.removeprefix(self._base_path)),
            body=body,
            query=dict(parse_qsl(query)),
        )
