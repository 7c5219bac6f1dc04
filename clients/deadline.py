"""A moment at which a call ends, whatever the other side does: also while it sends a byte now and then."""

import ssl
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, Final, Self

import httpcore2
import httpx2

_CONNECT_SECONDS: Final = 5.0
_LEAST_SECONDS: Final = 0.001
"""0 would mean that nothing is waited for, and negative values are refused."""


class Deadline:
    """When a call with all its repeats ends."""

    def __init__(self, seconds: float, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._ends_at = now() + seconds

    def left(self) -> float:
        """Give the seconds left; negative once it has passed."""
        return self._ends_at - self._now()

    def timeouts(self) -> dict[str, "_Left"]:
        """Give httpx2's timeouts by phase, none longer than what is left.

        A reply may take all of it: a model that thinks sends nothing.
        """
        return {
            "connect": _Left(self, most=_CONNECT_SECONDS),
            "pool": _Left(self),
            "write": _Left(self),
            "read": _Left(self),
        }


class _Left(float):
    """The seconds left when it was made, for whoever takes it for a number, and those left now."""

    deadline: Deadline
    most: float

    def __new__(cls, deadline: Deadline, most: float = float("inf")) -> Self:
        made = super().__new__(cls, max(min(most, deadline.left()), _LEAST_SECONDS))
        made.deadline = deadline
        made.most = most
        return made

    def now(self) -> "_Left":
        return _Left(self.deadline, self.most)


def hold_to_deadlines(client: httpx2.Client) -> None:
    """Have all that the client's own transports read and write end at the request's deadline.

    httpx2's read timeout is for each piece that arrives, also of the headers: a byte every few seconds would
    keep a call going for as long as the other side likes.
    """
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001 - a transport of our own
        if isinstance(transport, httpx2.HTTPTransport):  #         would do without the environment's proxies
            pool = transport._pool  # noqa: SLF001
            pool._network_backend = _Backend(pool._network_backend)  # noqa: SLF001


class _Backend(httpcore2.NetworkBackend):
    def __init__(self, wrapped: httpcore2.NetworkBackend) -> None:
        self._wrapped = wrapped

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        stream = self._wrapped.connect_tcp(host, port, _left(timeout), local_address, socket_options)
        return _Stream(stream)

    def sleep(self, seconds: float) -> None:
        self._wrapped.sleep(seconds)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, wrapped: httpcore2.NetworkStream) -> None:
        self._wrapped = wrapped

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if isinstance(timeout, _Left) and timeout.deadline.left() <= 0:
            raise httpcore2.ReadTimeout("the time of the call is up")
        return self._wrapped.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._wrapped.write(buffer, _left(timeout))

    def close(self) -> None:
        self._wrapped.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._wrapped.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore2 has it
        return self._wrapped.get_extra_info(info)


def _left(timeout: float | None) -> float | None:
    return timeout.now() if isinstance(timeout, _Left) else timeout
