"""The receiver as a Flask application, for any WSGI server and for tests."""

from contextlib import suppress
from http import HTTPStatus

import structlog
from flask import Flask, Request, Response, g, request
from werkzeug.exceptions import ClientDisconnected, HTTPException, MethodNotAllowed

from receiver.answer import CUT_OFF, INTERNAL, NOT_FOUND, Answer, Refusal, method_not_allowed, too_large
from receiver.health import ALIVE, readiness
from receiver.reception import SIGNATURE_HEADER, WEBHOOK_PATH, new_request_id
from receiver.routes import ALIVE_PATH, METHODS, READY_PATH
from receiver.service import Service

_CHUNK = 64 * 1024


def create_flask(service: Service) -> Flask:
    """Build the application around a running receiver."""
    app = Flask("receiver")

    @app.before_request
    def name_request() -> None:
        g.request_id = new_request_id()

    @app.post(WEBHOOK_PATH, provide_automatic_options=False)
    def receive() -> Response:
        body = _read_body(request, service.settings.max_body_bytes)
        if isinstance(body, Refusal):
            return _respond(service.reception.refuse(body, g.request_id))
        signature = request.headers.get(SIGNATURE_HEADER)
        return _respond(service.reception.receive(body, signature, g.request_id))

    @app.get(ALIVE_PATH, provide_automatic_options=False)
    def alive() -> Response:
        return _respond(ALIVE)

    @app.get(READY_PATH, provide_automatic_options=False)
    def ready() -> Response:
        return _respond(readiness(service))

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        return _respond(_refusal_for(error).answer(g.get("request_id") or new_request_id()))

    return app


def _read_body(incoming: Request, limit: int) -> bytes | Refusal:
    """Give the whole raw body, or why it is not taken; a chunked one has no length to tell."""
    if incoming.content_length is not None and incoming.content_length > limit:
        return too_large(limit)
    chunked = "chunked" in incoming.headers.get("Transfer-Encoding", "").lower()
    stream = incoming.environ["wsgi.input"] if chunked else incoming.stream
    body = bytearray()
    # A body whose chunks are broken ends where they are: no signature will fit it.
    try:
        with suppress(OSError):
            while len(body) <= limit and (chunk := stream.read(min(_CHUNK, limit + 1 - len(body)))):
                body += chunk
    except ClientDisconnected:
        return CUT_OFF
    return bytes(body) if len(body) <= limit else too_large(limit)


def _refusal_for(error: Exception) -> Refusal:
    if isinstance(error, MethodNotAllowed):
        return method_not_allowed(METHODS[request.path])
    if (
        isinstance(error, HTTPException)
        and error.code is not None
        and error.code < HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        if error.code == HTTPStatus.NOT_FOUND:
            return NOT_FOUND
        return Refusal(status=error.code, code="INVALID_REQUEST", message=error.name)
    structlog.get_logger("receiver").exception("request_failed", request_id=g.get("request_id"))
    return INTERNAL


def _respond(answer: Answer) -> Response:
    response = Response(answer.body, status=answer.status, content_type="application/json")
    response.headers.update(dict(answer.headers))
    if "request_id" in g:
        response.headers["X-Request-Id"] = g.request_id
    return response
