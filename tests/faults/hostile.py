"""Hostile clients by the thousands, in a process of their own: each begins a request, then does its worst.

`python -m tests.faults.hostile PORT COUNT KIND…` keeps COUNT connections open, and replaces those that are
closed, a tenth of COUNT a second, until its standard input ends; then it tells, as one line of JSON, what
each kind was answered.
"""

import errno
import json
import resource
import selectors
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tests.receiver.running_door import PATH, an_event_of, raw_request

FILES_BESIDE: Final = 100
_CONNECTING_AT_ONCE: Final = 500
_DRIP_SECONDS: Final = 1.0

_HEAD: Final = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n".encode()
_CHUNKED: Final = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostility:
    """What one kind of hostile client sends at first, and then again each second."""

    opening: bytes = b""
    drip: bytes = b""
    """Byte by byte, from its beginning again when it ends."""
    flood: bytes = b""
    """As much of it as the connection takes."""
    reads: bool = True
    resets: bool = False


KINDS: Final = {
    "silent": Hostility(),
    "half a head": Hostility(opening=_HEAD + b"X-Chao"),
    "a head, byte by byte": Hostility(opening=_HEAD, drip=b"X-Header: value\r\n"),
    "a large head without end": Hostility(opening=_HEAD + b"X-Large: " + b"x" * 15_000),
    "half a body": Hostility(opening=raw_request(an_event_of(2000, "evt_hostile"))[:-1000]),
    "a body, byte by byte": Hostility(
        opening=raw_request(an_event_of(2000, "evt_hostile"))[:-1000], drip=b"x"
    ),
    "chunks without end": Hostility(opening=_CHUNKED, drip=b"1\r\nx\r\n"),
    "a chunk's extension without end": Hostility(opening=_CHUNKED + b"5;", drip=b"x"),
    "nearly all of a large body": Hostility(opening=raw_request(an_event_of(256_000, "evt_hostile"))[:-1]),
    "reset within a body": Hostility(
        opening=raw_request(an_event_of(2000, "evt_hostile"))[:-1000], resets=True
    ),
    "never reads": Hostility(flood=b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100, reads=False),
}


@dataclass(slots=True, eq=False, kw_only=True)
class _Client:
    kind: str
    connection: socket.socket
    to_send: bytes
    dripped: int = 0


@dataclass(slots=True, kw_only=True)
class Crowd:
    """Keeps a number of hostile connections open."""

    port: int
    kinds: list[str]
    count: int
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _clients: set[_Client] = field(default_factory=set)
    _connecting: set[_Client] = field(default_factory=set)
    _opened: int = 0

    @property
    def connected(self) -> int:
        return len(self._clients) - len(self._connecting)

    def open_missing(self, most: int) -> int:
        """Open so many of those that are missing, and return how many."""
        missing = min(most, self.count - len(self._clients), _CONNECTING_AT_ONCE - len(self._connecting))
        for _ in range(missing):
            self._open(self.kinds[self._opened % len(self.kinds)])
        return max(0, missing)

    def act(self) -> None:
        """Do what the connections are ready for."""
        for key, events in self._selector.select(timeout=0.05):
            client: _Client = key.data
            with suppress(BlockingIOError):
                try:
                    if events & selectors.EVENT_WRITE:
                        self._write(client)
                    if events & selectors.EVENT_READ:
                        self._read(client)
                except OSError as error:
                    self._close(client, errno.errorcode.get(error.errno or 0, "error"))

    def drip(self) -> None:
        """Let each connection send its next byte, or flood on."""
        for client in list(self._clients - self._connecting):
            kind = KINDS[client.kind]
            if kind.drip:
                at = client.dripped % len(kind.drip)
                client.dripped += 1
                client.to_send += kind.drip[at : at + 1]
            if kind.flood or kind.drip:
                self._watch(client)

    def _open(self, kind: str) -> None:
        connection = socket.socket()
        connection.setblocking(False)
        if not KINDS[kind].reads:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect_ex(("127.0.0.1", self.port))
        client = _Client(kind=kind, connection=connection, to_send=KINDS[kind].opening)
        self._opened += 1
        self._clients.add(client)
        self._connecting.add(client)
        self._selector.register(connection, selectors.EVENT_WRITE, client)

    def _watch(self, client: _Client, *, for_writing: bool = True) -> None:
        events = selectors.EVENT_WRITE if for_writing else 0
        if KINDS[client.kind].reads:
            events |= selectors.EVENT_READ
        if events:
            self._selector.modify(client.connection, events, client)
        elif client.connection in self._selector.get_map():
            self._selector.unregister(client.connection)

    def _write(self, client: _Client) -> None:
        if client in self._connecting:
            self._connecting.remove(client)
            if error := client.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, "")
        kind = KINDS[client.kind]
        client.to_send = client.to_send[client.connection.send(client.to_send or kind.flood) :]
        if not client.to_send:
            if kind.resets:
                client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self._close(client, "reset")
            else:
                self._watch(client, for_writing=bool(kind.flood))

    def _read(self, client: _Client) -> None:
        received = client.connection.recv(65536)
        # "HTTP/1.1 408 Request Timeout": the status alone
        self._close(client, received[9:12].decode("latin-1") or "closed")

    def _close(self, client: _Client, answer: str) -> None:
        self.answers.setdefault(client.kind, Counter())[answer] += 1
        if client.connection in self._selector.get_map():
            self._selector.unregister(client.connection)
        client.connection.close()
        self._connecting.discard(client)
        self._clients.discard(client)


def main(port: int, count: int, kinds: list[str]) -> None:
    """Tell "ready" when all are connected, and the answers when the input ends."""
    crowd = Crowd(port=port, count=count, kinds=kinds)
    is_ready = False
    next_drip = 0.0
    may_open = count
    with selectors.DefaultSelector() as input_:
        input_.register(sys.stdin, selectors.EVENT_READ)
        while not input_.select(timeout=0):
            may_open -= crowd.open_missing(may_open)
            crowd.act()
            if time.monotonic() > next_drip:
                may_open = count // 10 if is_ready else count  # a crowd, not a flood
                crowd.drip()
                next_drip = time.monotonic() + _DRIP_SECONDS
            if not is_ready and crowd.connected >= count * 0.98:
                is_ready = True
                print("ready", flush=True)
    print(json.dumps({"connected": crowd.connected, "answers": crowd.answers}), flush=True)


def allow_files(count: int) -> None:
    """Raise this process's limit of open files, or say that the test can't be run here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + FILES_BESIDE
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"{wanted} open files are needed, and {hard} allowed: raise the limit (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    allow_files(int(sys.argv[2]))
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
