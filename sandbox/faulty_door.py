"""Stands before the application: brings about the faults that are set for replies, and logs each request."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any, Final

import structlog
from werkzeug.wsgi import ClosingIterator

from sandbox.faults import Fault, Faults
from sandbox.faulty_reply import faulty_reply

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTROL_PREFIX: Final = "/_sandbox"


class FaultyDoor:
    """A WSGI application around another."""

    def __init__(
        self,
        application: "WSGIApplication",
        faults: Faults,
        *,
        now: Callable[[], datetime],
        chance: Random,
        sleep: Callable[[float], None],
    ) -> None:
        self._application = application
        self._faults = faults
        self._now = now
        self._chance = chance
        self._sleep = sleep
        self._log = structlog.get_logger("sandbox")

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        begun = time.monotonic()
        method, path = environ["REQUEST_METHOD"], _path(environ)
        told: dict[str, str] = {}

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:  # noqa: ANN401 - as PEP 3333
            told["status"] = status.partition(" ")[0]
            told["type"] = next((value for name, value in headers if name.lower() == "content-type"), "")
            return start_response(status, headers, *error)

        def tell() -> None:
            # Who asks the sandbox itself how things stand does it again and again.
            is_a_look = method == "GET" and path.startswith(CONTROL_PREFIX)
            (self._log.debug if is_a_look else self._log.info)(
                "sandbox_answered",
                method=method,
                path=path,
                status=int(told.get("status", 0)),
                milliseconds=round((time.monotonic() - begun) * 1000, 1),
                **({"fault": told["fault"]} if "fault" in told else {}),
            )

        return ClosingIterator(self._answer(environ, start, told, method, path), [tell])

    def _answer(
        self,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        told: dict[str, str],
        method: str,
        path: str,
    ) -> Iterable[bytes]:
        if path.startswith(CONTROL_PREFIX):
            return self._application(environ, start_response)
        if delay := self._faults.draw(("delay",), path, method):
            told["fault"] = "delay"
            self._sleep(delay.seconds)
        if refusal := self._faults.draw(("429", "500", "503"), path, method):
            told["fault"] = refusal.kind
            reply = faulty_reply(refusal, path, now=self._now(), chance=self._chance)
            start_response(reply.status, reply.headers)
            return [reply.body]
        cut = self._faults.draw(("cut",), path, method)
        answer = self._application(environ, start_response)
        if cut is None:
            return answer
        told["fault"] = "cut"
        close = getattr(answer, "close", lambda: None)
        is_stream = told["type"].startswith("text/event-stream")
        return ClosingIterator(_cut(answer, cut, is_stream=is_stream), [close])


def _cut(answer: Iterable[bytes], fault: Fault, *, is_stream: bool) -> Iterator[bytes]:
    if fault.after == 0:
        raise _cut_off()
    if is_stream:
        for place, piece in enumerate(answer):
            if place == (fault.after or 1):
                raise _cut_off()
            yield piece
    else:
        whole = b"".join(answer)
        yield whole[: min(fault.after or len(whole) // 2, len(whole) - 1)]
    raise _cut_off()


def _cut_off() -> ConnectionAbortedError:
    # The server takes it for a client that went away, and closes the connection as it is.
    return ConnectionAbortedError("a fault of the sandbox cut the connection")


def _path(environ: "WSGIEnvironment") -> str:
    return str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")
