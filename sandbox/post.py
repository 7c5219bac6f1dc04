"""Post a webhook: what the outbox sends with, and tests replace."""

import threading
import time
from typing import Final, Protocol

import httpx2

from sandbox.sender import NoReply, Reply, Sender

_CONNECTIONS_KEPT: Final = 32


class Post(Protocol):
    """Sends a body, signed with a secret, to a URL; never raises for what is at the other end."""

    def __call__(self, url: str, secret: bytes, body: bytes, /) -> Reply | NoReply: ...


class Senders:
    """Posts over connections that are kept alive, one for each URL and secret."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bytes], Sender] = {}
        self._turn = threading.Lock()

    def __call__(self, url: str, secret: bytes, body: bytes) -> Reply | NoReply:
        try:
            return self._sender(url, secret).send(body)
        except (httpx2.InvalidURL, ValueError) as error:
            return NoReply(reason=f"the URL can't be called: {error}", is_refused=True, seconds=0.0)

    def _sender(self, url: str, secret: bytes) -> Sender:
        with self._turn:
            if len(self._kept) >= _CONNECTIONS_KEPT:
                # Not closed, as another thread may be using one: they close as they are let go of.
                self._kept.clear()
            if (url, secret) not in self._kept:
                self._kept[url, secret] = Sender(url, secret, clock=time.perf_counter)
            return self._kept[url, secret]

    def close(self) -> None:
        with self._turn:
            for sender in self._kept.values():
                sender.close()
            self._kept.clear()
