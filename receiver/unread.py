"""Closes connections whose clients do not read their answers: the HTTP server waits for them without end.

Linux only, where the kernel tells how much of what was written could not be sent; elsewhere it does nothing.
"""

import fcntl
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import structlog

_SIOCOUTQNSD: Final = 0x894B
"""Bytes in a socket's send queue that were not sent yet (linux/sockios.h)."""

_LOOK_SECONDS: Final = 1.0
_NO_LINGER: Final = struct.pack("ii", 1, 0)

Connection = tuple[int, object]
"""A file number, which is used again, and the address at the other end."""


class UnreadConnections:
    """Looks at all connections to a port, and closes those on which unsent bytes have waited for too long."""

    def __init__(self, port: int, *, patience_seconds: float) -> None:
        self._port = port
        self._patience_seconds = patience_seconds
        self._unsent_since: dict[Connection, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="unread-connections", daemon=True)
        self._log = structlog.get_logger("receiver")

    def start(self) -> None:
        if sys.platform == "linux":
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            if closed := self.look(time.monotonic()):
                self._log.warning("unread_connections_closed", count=closed)

    def look(self, now: float) -> int:
        """Look once at all connections, and return how many were closed."""
        unsent: dict[Connection, float] = {}
        closed = 0
        for number in _files_with_unsent_bytes():
            with suppress(OSError), _connection(number) as connection:  # it may be gone meanwhile
                if connection.getsockname()[1] != self._port:
                    continue
                known = number, connection.getpeername()
                since = unsent[known] = self._unsent_since.get(known, now)
                if now - since >= self._patience_seconds:
                    _break_off(connection)
                    closed += 1
        self._unsent_since = unsent
        return closed


def _files_with_unsent_bytes() -> Iterator[int]:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - thousands, of which the number is all we want
        with suppress(OSError):  # no connection, or closed since
            if struct.unpack("i", fcntl.ioctl(int(name), _SIOCOUTQNSD, b"\0" * 4))[0]:
                yield int(name)


@contextmanager
def _connection(number: int) -> Iterator[socket.socket]:
    # Borrowed, not duplicated: should the number have become the SQLite file's, to close a duplicate of that
    # would end the locks on it.
    connection = socket.socket(fileno=number)
    try:
        yield connection
    finally:
        connection.detach()


def _break_off(connection: socket.socket) -> None:
    # Without linger the kernel would go on offering the bytes after the close.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    connection.shutdown(socket.SHUT_RDWR)
