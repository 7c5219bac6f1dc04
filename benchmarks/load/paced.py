"""Sends events at a steady rate, and takes the time from when each was due until its answer was there."""

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_TIMEOUT_SECONDS: Final = 10.0
_LEAD_SECONDS: Final = 0.05


@dataclass(slots=True, kw_only=True)
class Paced:
    """What the senders saw."""

    milliseconds: list[float] = field(default_factory=list)
    """From due to answered, so that a late sender hides no slow answer."""
    answered_ns: dict[str, int] = field(default_factory=dict)
    """When each event had its 2xx, by the monotonic clock."""
    refused: int = 0


def send_paced(port: int, requests: Sequence[tuple[str, bytes]], *, rate: float, connections: int) -> Paced:
    """Send (id, request) pairs at so many a second, over connections that take turns."""
    seen = Paced()
    began = time.monotonic() + _LEAD_SECONDS
    senders = [
        threading.Thread(target=_send, args=(port, of_one, rate / connections, began + number / rate, seen))
        for number in range(connections)
        if (of_one := requests[number::connections])
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return seen


def _send(port: int, requests: Sequence[tuple[str, bytes]], rate: float, began: float, seen: Paced) -> None:
    """Send them over one connection, the first when it begins."""
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place, (event_id, request) in enumerate(requests):
            due = began + place / rate
            time.sleep(max(0.0, due - time.monotonic()))
            connection.sendall(request)
            status = _read_status(connection)
            answered = time.monotonic_ns()
            seen.milliseconds.append(answered / 1e6 - due * 1e3)
            if 200 <= status < 300:
                seen.answered_ns[event_id] = answered
            else:
                seen.refused += 1


def _read_status(connection: socket.socket) -> int:
    """Read one whole answer that says its length; gives its status."""
    answer = b""
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += _more(connection)
    head = answer[:end].decode("latin-1").lower()
    length = 0
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name == "content-length":
            length = int(value)
    missing = length - (len(answer) - end - 4)
    while missing > 0:
        missing -= len(_more(connection))
    return int(head.split(" ", 2)[1])


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionResetError("the server closed the connection in the middle of an answer")
    return received
