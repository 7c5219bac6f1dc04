"""Every error of ChaozCode's in the one documented shape ("Error Handling"), others as Chucky has them."""

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from sandbox.chaozcode.door import is_chaozcode
from sandbox.chaozcode.refusal import Refused, error_body
from sandbox.state.conflict import Clash, NoSuchThing


def install_error_replies(app: Flask) -> None:
    """Answer what is raised, and routes that are none."""

    @app.errorhandler(Refused)
    def refuse(refused: Refused) -> Response:
        return _error(refused.status, refused.message, refused.details)

    @app.errorhandler(NoSuchThing)
    def not_found(error: NoSuchThing) -> Response:
        return _error(404, _sentence(error), {})

    @app.errorhandler(Clash)
    def conflict(error: Clash) -> Response:
        return _error(409, _sentence(error), {})

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.code is not None:
            message = f"There is no {request.method} {request.path}" if error.code == 404 else error.name
            response = _error(error.code, message, {})
            if isinstance(error, MethodNotAllowed) and error.valid_methods:
                response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
            return response
        structlog.get_logger("sandbox").exception("request_failed", request_id=g.get("request_id"))
        return _error(500, "Something broke in the sandbox; its log tells more", {})


def _error(status: int, message: str, details: Mapping[str, Any]) -> Response:
    is_ours = is_chaozcode(request.path)
    request_id = g.get("request_id", "req_unknown")
    response = jsonify(error_body(status, message, details, request_id) if is_ours else {"error": message})
    response.status_code = status
    return response


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
