"""The receiver under granian's RSGI: requests are read asynchronously: slow clients hold no thread."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from typing import Final

import structlog
from granian.rsgi import HTTPProtocol, ProtocolClosed, Scope

from receiver.answer import INTERNAL, NOT_FOUND, Answer, Refusal, method_not_allowed
from receiver.health import ALIVE, readiness
from receiver.reception import (
    DURABLE_WITHIN_SECONDS,
    SIGNATURE_HEADER,
    WEBHOOK_PATH,
    new_request_id,
)
from receiver.routes import ALIVE_PATH, METHODS
from receiver.rsgi_body import BodyReader
from receiver.service import Service
from receiver.stop_signals import hear
from receiver.time_limit import TimeLimit
from receiver.unread import UnreadConnections

_PARENT_LOOK_SECONDS: Final = 0.5
_YOUNG_OBJECTS: Final = 10_000
"""So many before the collector looks through them: most of a request's are gone by then, without it."""


class RsgiDoor:
    """The application that granian runs; opens the service when its process starts."""

    def __init__(self, open_service: Callable[[], Service]) -> None:
        self._open_service = open_service
        self._limit: TimeLimit
        self._service: Service
        self._bodies: BodyReader
        self._unread: UnreadConnections
        self._checking: asyncio.Task[Answer] | None = None

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._limit = TimeLimit(loop, DURABLE_WITHIN_SECONDS)
        hear(loop)  # granian's handlers stand by now
        self._service = self._open_service()
        settings = self._service.settings
        self._bodies = BodyReader(
            loop,
            limit_bytes=settings.max_body_bytes,
            seconds=settings.body_seconds,
            budget_bytes=settings.arriving_bytes,
        )
        self._unread = UnreadConnections(settings.port, patience_seconds=settings.body_seconds)
        self._unread.start()
        self._parent = os.getppid()
        self._end_when_orphaned(loop)
        _spare_what_stays()
        loop.call_soon(structlog.get_logger("receiver").info, "receiver_ready")  # granian listens by then

    def _end_when_orphaned(self, loop: asyncio.AbstractEventLoop) -> None:
        # Should granian's main process be killed, this one would serve on for ever, beside its successor.
        if os.getppid() != self._parent:
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            loop.call_later(_PARENT_LOOK_SECONDS, self._end_when_orphaned, loop)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._unread.stop()
        self._service.close()

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        request_id = new_request_id()
        try:
            if scope.path == WEBHOOK_PATH and scope.method == "POST":
                answer = await self._receive(scope, protocol, request_id)
            else:
                answer = await self._answer_others(scope, request_id)
        except ProtocolClosed:
            return  # the client went away; nobody is left to be answered
        except Exception:  # noqa: BLE001 - a fault of ours: its place is the log, never the answer
            structlog.get_logger("receiver").exception("request_failed", request_id=request_id)
            answer = INTERNAL.answer(request_id)
        headers = [
            ("content-type", "application/json"),
            ("x-request-id", request_id),
            *answer.headers.items(),
        ]
        protocol.response_bytes(answer.status, headers, answer.body)

    async def _receive(self, scope: Scope, protocol: HTTPProtocol, request_id: str) -> Answer:
        reception = self._service.reception
        headers = scope.headers
        body = await self._bodies.read(headers.get("content-length"), protocol)
        if isinstance(body, Refusal):
            return reception.refuse(body, request_id)
        return await reception.receive_in_loop(body, headers.get(SIGNATURE_HEADER), request_id, self._limit)

    async def _answer_others(self, scope: Scope, request_id: str) -> Answer:
        path = scope.path
        allowed = METHODS.get(path)
        if allowed is None:
            return NOT_FOUND.answer(request_id)
        if scope.method not in allowed:
            return method_not_allowed(allowed).answer(request_id)
        return ALIVE if path == ALIVE_PATH else await self._readiness()

    async def _readiness(self) -> Answer:
        # One at a time, whose result all share that ask meanwhile: each waits for the log, in a thread.
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(asyncio.to_thread(readiness, self._service))
        return await asyncio.shield(self._checking)


def _spare_what_stays() -> None:
    """Keep the garbage collector off what was loaded: looking through it stops all requests for 50 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
