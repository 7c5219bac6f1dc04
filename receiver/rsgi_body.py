"""Reads a request's body under RSGI, with a limit, a deadline and a budget, and holds no thread meanwhile."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Final

from granian.rsgi import HTTPProtocol

from receiver.answer import CROWDED, CUT_OFF, TOO_SLOW, Refusal, too_large
from receiver.arriving import ArrivingBody, BodyBudget
from receiver.time_limit import TimeLimit

_SMALL_BYTES: Final = 8 * 1024
_DISCARDED_BYTES: Final = 4 * 1024 * 1024
"""So much past the limit is still read: a client that is cut off while it sends seldom sees its 413."""


class BodyReader:
    """Reads the bodies of one process's requests."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, limit_bytes: int, seconds: float, budget_bytes: int
    ) -> None:
        self._time = TimeLimit(loop, seconds)
        self._small = min(_SMALL_BYTES, limit_bytes)
        self._limit = limit_bytes
        self._seconds = seconds
        self._budget = BodyBudget(budget_bytes)

    def read(self, content_length: str | None, protocol: HTTPProtocol) -> Awaitable[bytes | Refusal]:
        """Give the whole body, or why it is not taken; granian closes a connection that was not read up.

        `content_length` is the header's value, which a chunked body has not.
        """
        declared = int(content_length) if content_length and content_length.isdecimal() else None
        if declared is not None and declared <= self._small:
            return self._read_small(declared, protocol)
        return self._read_any(declared, protocol)

    async def _read_small(self, declared: int, protocol: HTTPProtocol) -> bytes | Refusal:
        """Read a body that takes no more room than a request's head does: its chunks need not be counted."""
        try:
            with self._time.watch_task():
                body = await protocol()
        except TimeoutError:
            return TOO_SLOW
        return body if len(body) == declared else CUT_OFF

    async def _read_any(self, declared: int | None, protocol: HTTPProtocol) -> bytes | Refusal:
        if declared is not None and declared > self._limit + _DISCARDED_BYTES:
            return too_large(self._limit)
        try:
            async with asyncio.timeout(self._seconds) as deadline:
                with self._budget.arrival(partial(_end_now, deadline)) as body:
                    size = await self._read_chunks(protocol, body)
                    if body.is_given_up:
                        return CROWDED
                    if size > self._limit:
                        return too_large(self._limit)
                    # granian ends the body where the client ended it.
                    return CUT_OFF if declared not in (None, size) else bytes(body.received)
        except TimeoutError:
            return CROWDED if body.is_given_up else TOO_SLOW

    async def _read_chunks(self, protocol: HTTPProtocol, body: ArrivingBody) -> int:
        """Keep a body up to the limit, and give its length."""
        size = 0
        async for chunk in protocol:
            size += len(chunk)
            if size <= self._limit:
                self._budget.add(body, chunk)
            elif size > self._limit + _DISCARDED_BYTES:
                break
        return size


def _end_now(deadline: asyncio.Timeout) -> None:
    if not deadline.expired():
        deadline.reschedule(asyncio.get_running_loop().time())
