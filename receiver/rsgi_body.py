"""Reads a request's body under RSGI, with a limit, a deadline and a budget, and holds no thread meanwhile."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Final

from granian.rsgi import HTTPProtocol, ProtocolClosed

from receiver.answer import CROWDED, CUT_OFF, TOO_SLOW, Refusal, too_large
from receiver.arriving import ArrivingBody, BodyBudget
from receiver.time_limit import TimeLimit

_SMALL_BYTES: Final = 8 * 1024
_WHOLE_BYTES: Final = 128 * 1024
"""Up to so many are reserved for a body before it comes, and read at once; larger ones count as they come."""
_LENGTH_DIGITS: Final = 20
_DISCARDED_BYTES: Final = 4 * 1024 * 1024
"""So much past the limit is still read: a client that is cut off while it sends seldom sees its 413."""


class BodyReader:
    """Reads the bodies of one process's requests."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, limit_bytes: int, seconds: float, budget_bytes: int
    ) -> None:
        self._loop = loop
        self._time = TimeLimit(loop, seconds)
        self._small = min(_SMALL_BYTES, limit_bytes)
        self._whole = min(_WHOLE_BYTES, limit_bytes)
        self._limit = limit_bytes
        self._budget = BodyBudget(budget_bytes)

    def read(self, content_length: str | None, protocol: HTTPProtocol) -> Awaitable[bytes | Refusal]:
        """Give the whole body, or why it is not taken; granian closes a connection that was not read up.

        `content_length` is the header's value, which a chunked body has not.
        """
        declared = _declared_bytes(content_length)
        if declared is not None and declared <= self._small:
            return self._read_small(declared, protocol)
        return self._read_counted(declared, protocol)

    async def _read_small(self, declared: int, protocol: HTTPProtocol) -> bytes | Refusal:
        """Read a body that takes no more room than a request's head does: its chunks need not be counted."""
        try:
            with self._time.watch_task():
                body = await protocol()
        except TimeoutError:
            return TOO_SLOW
        except ProtocolClosed:
            return CUT_OFF
        return body if len(body) == declared else CUT_OFF

    async def _read_counted(self, declared: int | None, protocol: HTTPProtocol) -> bytes | Refusal:
        if declared is not None and declared > self._limit + _DISCARDED_BYTES:
            return too_large(self._limit)
        try:
            with (
                self._time.watch_task() as watch,
                self._budget.arrival(partial(self._loop.call_soon, watch.end_now)) as body,
            ):
                if declared is not None and declared <= self._whole:
                    received = await self._read_whole(declared, protocol, body)
                else:
                    received = await self._read_chunks(declared, protocol, body)
                return CROWDED if body.is_given_up else received
        except TimeoutError:
            return CROWDED if body.is_given_up else TOO_SLOW
        except ProtocolClosed:
            return CUT_OFF

    async def _read_whole(self, declared: int, protocol: HTTPProtocol, body: ArrivingBody) -> bytes | Refusal:
        self._budget.reserve(body, declared)
        if body.is_given_up:
            return CROWDED
        received = await protocol()
        return received if len(received) == declared else CUT_OFF

    async def _read_chunks(
        self, declared: int | None, protocol: HTTPProtocol, body: ArrivingBody
    ) -> bytes | Refusal:
        """Keep a body up to the limit, and read on a little past it."""
        size = 0
        async for chunk in protocol:
            size += len(chunk)
            if size <= self._limit:
                self._budget.add(body, chunk)
            elif size > self._limit + _DISCARDED_BYTES:
                break
        if size > self._limit:
            return too_large(self._limit)
        # granian ends the body where the client ended it.
        return CUT_OFF if declared not in (None, size) else bytes(body.received)


def _declared_bytes(content_length: str | None) -> int | None:
    """Give the length that a body has by its header; None where it has none, and is counted as it comes."""
    if content_length and content_length.isdecimal() and len(content_length) <= _LENGTH_DIGITS:
        return int(content_length)
    # Also of thousands of zeros and a digit, which is a length to granian, and too many digits for `int`.
    return None
