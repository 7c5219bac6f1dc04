"""Ends what is waited for too long in an event loop, with one timer: one for each wait costs more than it."""

import asyncio
from typing import Any, Final, TypeVar

_LOOK_SECONDS: Final = 0.25

_Result = TypeVar("_Result")


class TimeLimit:
    """The same limit for all that wait."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self.loop = loop
        self._seconds = seconds
        self._waiting: dict[asyncio.Future[Any], float] = {}
        """Since when, the longest first."""
        self._is_looking = False

    async def wait(self, future: "asyncio.Future[_Result]") -> _Result:
        """Wait for a future; at most 0.25 s past the limit it is given a `TimeoutError`, which is raised."""
        self._waiting[future] = self.loop.time()
        if not self._is_looking:
            self._look_later()
        try:
            return await future
        finally:
            del self._waiting[future]

    def _look_later(self) -> None:
        self._is_looking = True
        self.loop.call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        begun_before = self.loop.time() - self._seconds
        for future, since in self._waiting.items():
            if since > begun_before:
                break
            if not future.done():
                future.set_exception(TimeoutError())
        self._is_looking = False
        if self._waiting:
            self._look_later()
