"""Chucky's two routes, as its reference describes them."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from flask import Blueprint, Response, request

from sandbox.chucky.desk import Desk
from sandbox.chucky.request import RequestRefused, read_prompt
from sandbox.chucky.script import Answer

_JSON: Final = "application/json"
_SSE: Final = "text/event-stream"


def chucky_routes(desk: Desk, *, sleep: Callable[[float], None]) -> Blueprint:
    """Give the routes; `sleep` passes the time that a scripted reply takes."""
    routes = Blueprint("chucky", __name__)

    @routes.errorhandler(RequestRefused)
    def refuse(refused: RequestRefused) -> Response:
        return _json(refused.body, refused.status)

    @routes.post("/prompt")
    def prompt() -> Response:
        asked = read_prompt(request.mimetype, request.get_data())
        answer = desk.begin(desk.holder(asked.options.get("token")), asked)
        if request.accept_mimetypes.best_match([_JSON, _SSE]) == _SSE:
            response = Response(_stream(answer, sleep), mimetype=_SSE)
            response.headers["Cache-Control"] = "no-cache"
            # However the stream ends, and even where it never began.
            response.call_on_close(lambda: desk.end(answer))
            return response
        try:
            sleep(answer.seconds)
        finally:
            desk.end(answer)
        return _json(
            {"result": answer.result(), "messages": answer.messages(), "sessionId": answer.session_id}
        )

    @routes.get("/usage")
    def usage() -> Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return _json(desk.usage(desk.holder(token.strip() if scheme.lower() == "bearer" else None)))

    return routes


def _stream(answer: Answer, sleep: Callable[[float], None]) -> Iterator[str]:
    messages = answer.streamed()
    for message in messages:
        sleep(answer.seconds / len(messages))
        yield f"event: message\ndata: {_text(message)}\n\n"
    yield f"event: done\ndata: {_text({'sessionId': answer.session_id})}\n\n"


def _json(body: object, status: int = 200) -> Response:
    return Response(_text(body), status, mimetype=_JSON)


def _text(value: Any) -> str:  # noqa: ANN401 - whatever JSON can say
    return json.dumps(value, separators=(",", ":"))
