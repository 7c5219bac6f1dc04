"""The floor: a bare Flask view that answers 202 and does nothing."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_LEFT_UNREAD_BYTES = 16 * 1024

app = Flask(__name__)


@app.post("/webhooks/chaozcode")
def accept() -> tuple[str, int]:
    return "", 202


def served(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    # granian closes a connection on which a large body was left unread. Small ones are, as to touch Flask's
    # `request` costs the floor a tenth of its rate.
    if int(environ.get("CONTENT_LENGTH", 0)) > _LEFT_UNREAD_BYTES:
        environ["wsgi.input"].read()
    return app(environ, start_response)
