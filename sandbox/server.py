"""Serve the sandbox with werkzeug's threaded server.

Of the servers at hand it is the one that can drop a connection in mid-stream: granian's WSGI ends a stream
that breaks off as if it were whole, so that no client could tell.
"""

import threading
from collections.abc import Callable
from socket import socket
from typing import TYPE_CHECKING, Any

import structlog
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


class _Handler(WSGIRequestHandler):
    """Leaves it to the application to log its requests, and to cut a connection off before any reply."""

    def connection_dropped(self, error: BaseException, environ: "WSGIEnvironment | None" = None) -> None:  # noqa: ARG002
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ANN401, ARG002 - werkzeug's
        structlog.get_logger("sandbox").warning("sandbox_request_failed", error=message % args)


class SandboxServer:
    """Takes requests on a socket, each connection in a thread of its own."""

    def __init__(self, application: "WSGIApplication", listening: socket) -> None:
        host, port = listening.getsockname()[:2]
        self._server = make_server(
            host, port, application, threaded=True, request_handler=_Handler, fd=listening.fileno()
        )
        listening.close()  # the server has a copy of it

    def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until told to stop."""
        ready()
        try:
            self._server.serve_forever(poll_interval=0.1)
        finally:
            self._server.server_close()

    def stop(self) -> None:
        """Have `serve` return; safe in a signal handler."""
        threading.Thread(target=self._server.shutdown, daemon=True).start()
