"""Replies that come in pieces: in the network's place, and from a socket that cuts them anywhere."""

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2


@dataclass
class Streamed(httpx2.SyncByteStream):
    """One event stream; `fails` is raised after its pieces. Notes what was taken, and that it was closed."""

    pieces: Iterable[bytes]
    fails: BaseException | None = None
    status: int = 200
    content_type: str = "text/event-stream"
    taken: int = 0
    is_closed: bool = False
    requests: list[httpx2.Request] = field(default_factory=list)

    @property
    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return httpx2.Response(self.status, headers={"Content-Type": self.content_type}, stream=self)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            yield piece
        if self.fails is not None:
            raise self.fails

    def close(self) -> None:
        self.is_closed = True


_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@contextmanager
def server(answer: Callable[[socket.socket], Any]) -> Iterator[str]:
    """Serve connections one by one, each by `answer` once its request has come; gives the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: the test is over
                return
            with closing(connection):
                connection.settimeout(20)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    _read_request(connection)
                    connection.sendall(_HEAD)
                    answer(connection)
                except OSError:  # the client has gone
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(20)


def _read_request(connection: socket.socket) -> None:
    """Read all of it: a connection that is closed with something unread is reset."""
    with connection.makefile("rb") as wire:
        length = 0
        while (line := wire.readline()) not in {b"\r\n", b""}:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        wire.read(length)


def reset(connection: socket.socket) -> None:
    """End the connection as a crash does, by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
