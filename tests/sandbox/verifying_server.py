"""A receiver that is none of ours: verifies with the standard library's hmac alone, and notes all it gets."""

import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = "whsec_of_the_test"


@dataclass(kw_only=True)
class Verifying:
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    """Of the requests whose signature is right."""
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    answer: tuple[int, dict[str, Any]] | None = None
    """What to say to all, instead of what it thinks of them."""

    def reply_to(self, body: bytes, signature: str) -> tuple[int, dict[str, Any]]:
        if self.answer:
            return self.answer
        if signature != "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest():
            return 401, {"error": {"code": "UNAUTHORIZED", "message": "The signature is wrong."}}
        is_known = body in self.bodies
        self.bodies.append(body)
        return (200, {"status": "duplicate"}) if is_known else (202, {"status": "accepted"})


@contextmanager
def verifying_server(*, tls: tuple[Path, Path] | None = None) -> Iterator[Verifying]:
    """`tls` is a certificate and its key, to serve HTTPS."""
    seen = Verifying()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.headers.append(dict(self.headers))
            seen.connections.add(self.client_address)
            status, said = seen.reply_to(body, self.headers["X-ChaozCode-Signature"])
            answer = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    seen.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/webhooks/chaozcode"
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
