"""A server on this machine that answers with any bytes at all, and keeps what it was sent."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_TLS_HANDSHAKE = 0x16

Answer = Callable[[socket.socket], None]
"""Answers one request, of which all has been read; the connection is then closed."""


@dataclass(slots=True)
class RudeServer:
    port: int
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v2"


@contextmanager
def rude_server(*answers: Answer) -> Iterator[RudeServer]:
    """Serve; each request gets the next answer, and after the last one the last one again."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RudeServer(port=listener.getsockname()[1])
    is_over = threading.Event()

    def serve() -> None:
        while not is_over.is_set():
            with suppress(OSError):  # a client that gave up is no failure of the server's
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(5)
                    if is_over.is_set():
                        return
                    server.requests.append(_read_request(connection))
                    answers[min(len(server.requests), len(answers)) - 1](connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        is_over.set()
        with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=1):
            pass  # wakes it, so that it looks whether it is over
        thread.join(timeout=5)
        listener.close()


def says(*parts: bytes) -> Answer:
    def answer(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return answer


def replies(status: int, body: bytes = b"", *headers: str) -> Answer:
    """Answer as a server should, but for what is in it; a header of one's own takes the place of ours."""
    lines = [f"HTTP/1.1 {status} Whatever", *headers, "Connection: close"]
    if not any(line.startswith("Content-Length") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return says("\r\n".join([*lines, "", ""]).encode("latin-1") + body)


def drips(start: bytes, piece: bytes, *, every_seconds: float, for_seconds: float) -> Answer:
    """Send a start, and then a piece now and then."""

    def answer(connection: socket.socket) -> None:
        stop = threading.Event()
        connection.sendall(start)
        for _ in range(int(for_seconds / every_seconds)):
            stop.wait(every_seconds)
            connection.sendall(piece)

    return answer


def resets(start: bytes = b"") -> Answer:
    """Send a start, and then the TCP reset of a server that died."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answer


def _read_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        piece = connection.recv(65536)
        request += piece
        if not piece or request[0] == _TLS_HANDSHAKE:
            return request
    head, _, body = request.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
    while missing > 0:
        piece = connection.recv(65536)
        if not piece:
            break
        request += piece
        missing -= len(piece)
    return request
