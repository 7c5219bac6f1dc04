"""The receiver under granian's RSGI: bodies are read asynchronously, so that slow clients hold no thread.

Only webhooks take this way; everything else goes to the Flask application, in a thread.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final
from urllib.parse import quote

import structlog
from granian.rsgi import HTTPProtocol, ProtocolClosed, Scope
from werkzeug.test import EnvironBuilder, run_wsgi_app

from eventlog.acceptance import Receipt
from receiver.answer import TOO_SLOW, Answer, Refusal, too_large
from receiver.flask_door import create_flask
from receiver.reception import (
    DURABLE_WITHIN_SECONDS,
    SIGNATURE_HEADER,
    WEBHOOK_PATH,
    Pending,
    new_request_id,
)
from receiver.server import STOP_SIGNALS
from receiver.service import Service

_PARENT_LOOK_SECONDS: Final = 0.5
_DISCARDED_BYTES: Final = 4 * 1024 * 1024
"""So much past the limit is still read: a client that is cut off while it sends seldom sees its 413."""


class RsgiDoor:
    """The application that granian runs; opens the service when its process starts."""

    def __init__(self, open_service: Callable[[], Service]) -> None:
        self._open_service = open_service
        self._service: Service
        self._flask: Callable[..., Any]

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)  # granian's handlers stand by now
        self._service = self._open_service()
        self._flask = create_flask(self._service).wsgi_app
        self._parent = os.getppid()
        self._end_when_orphaned(loop)
        structlog.get_logger("receiver").info("receiver_ready")

    def _end_when_orphaned(self, loop: asyncio.AbstractEventLoop) -> None:
        # Should granian's main process be killed, this one would serve on for ever, beside its successor.
        if os.getppid() != self._parent:
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            loop.call_later(_PARENT_LOOK_SECONDS, self._end_when_orphaned, loop)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._service.close()

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        if scope.path == WEBHOOK_PATH and scope.method == "POST":
            await self._receive(scope, protocol)
        else:
            await self._pass_to_flask(scope, protocol)

    async def _receive(self, scope: Scope, protocol: HTTPProtocol) -> None:
        request_id = new_request_id()
        try:
            answer = await self._answer(scope, protocol, request_id)
        except ProtocolClosed:
            return  # the client went away; nobody is left to be answered
        headers = [
            ("content-type", "application/json"),
            ("x-request-id", request_id),
            *answer.headers.items(),
        ]
        protocol.response_bytes(answer.status, headers, answer.body)

    async def _answer(self, scope: Scope, protocol: HTTPProtocol, request_id: str) -> Answer:
        reception = self._service.reception
        body = await self._read_body(scope, protocol)
        if isinstance(body, Refusal):
            return reception.refuse(body, request_id)
        taken = reception.take(body, scope.headers.get(SIGNATURE_HEADER), request_id)
        if isinstance(taken, Pending):
            durable = asyncio.wrap_future(taken.future)
            durable.add_done_callback(_note_error)
            await asyncio.wait((durable,), timeout=DURABLE_WITHIN_SECONDS)
            taken = reception.conclude(taken, wait_seconds=0)
        return taken

    async def _read_body(self, scope: Scope, protocol: HTTPProtocol) -> bytes | Refusal:
        limit = self._service.settings.max_body_bytes
        declared = scope.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit + _DISCARDED_BYTES:
            return too_large(limit)
        body = bytearray()
        size = 0
        try:
            async with asyncio.timeout(self._service.settings.body_seconds):
                async for chunk in protocol:
                    size += len(chunk)
                    if size <= limit:
                        body += chunk
                    elif size > limit + _DISCARDED_BYTES:
                        break
        except TimeoutError:
            return TOO_SLOW
        return bytes(body) if size <= limit else too_large(limit)

    async def _pass_to_flask(self, scope: Scope, protocol: HTTPProtocol) -> None:
        builder = EnvironBuilder(
            method=scope.method,
            query_string=scope.query_string,
            headers=list(scope.headers.items()),
            input_stream=BytesIO(),
        )
        builder.path = quote(scope.path)  # given to the builder, it would be split like a URL
        chunks, status, headers = await asyncio.to_thread(
            run_wsgi_app, self._flask, builder.get_environ(), buffered=True
        )
        body = b"".join(chunks)
        protocol.response_bytes(int(status.split()[0]), [(k.lower(), v) for k, v in headers], body)


def _note_error(durable: "asyncio.Future[Receipt]") -> None:
    """Look at a future's error, which `conclude` tells of: asyncio logs those that nobody looked at."""
    if not durable.cancelled():
        durable.exception()
