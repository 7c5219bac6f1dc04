"""Reads a request's body under RSGI, with a limit, a deadline and a budget, and holds no thread meanwhile."""

import asyncio
from functools import partial
from typing import Final

from granian.rsgi import HTTPProtocol, Scope

from receiver.answer import CROWDED, CUT_OFF, TOO_SLOW, Refusal, too_large
from receiver.arriving import ArrivingBody, BodyBudget

_DISCARDED_BYTES: Final = 4 * 1024 * 1024
"""So much past the limit is still read: a client that is cut off while it sends seldom sees its 413."""


class BodyReader:
    """Reads the bodies of one process's requests."""

    def __init__(self, *, limit_bytes: int, seconds: float, budget_bytes: int) -> None:
        self._limit = limit_bytes
        self._seconds = seconds
        self._budget = BodyBudget(budget_bytes)

    async def read(self, scope: Scope, protocol: HTTPProtocol) -> bytes | Refusal:
        """Return the whole body, or why it is not taken; granian closes a connection that was not read up."""
        declared = _declared_length(scope)
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


def _declared_length(scope: Scope) -> int | None:
    declared = scope.headers.get("content-length", "")
    return int(declared) if declared.isdecimal() else None


def _end_now(deadline: asyncio.Timeout) -> None:
    if not deadline.expired():
        deadline.reschedule(asyncio.get_running_loop().time())
