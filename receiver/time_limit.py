"""Ends what is waited for too long in an event loop, with one timer: one for each wait costs more than it."""

import asyncio
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

_LOOK_SECONDS: Final = 0.25

_Result = TypeVar("_Result")


class _Wait(Protocol):
    """A future, or what stands for one."""

    def done(self) -> bool: ...

    def set_exception(self, error: BaseException, /) -> None: ...


class TimeLimit:
    """The same limit for all that wait; what overruns it ends with a `TimeoutError`, at most 0.25 s later."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self.loop = loop
        self._seconds = seconds
        self._waits: list[tuple[float, _Wait]] = []
        """Since when, the longest first; those that have ended lie there until the next look."""
        self._is_looking = False

    def watch(self, future: "asyncio.Future[_Result]") -> "asyncio.Future[_Result]":
        """Limit the wait for a future that nobody has waited for yet; gives it back, to be awaited."""
        self._begin(future)
        return future

    def watch_task(self) -> "TaskWatch":
        """Limit what the running task does: `with limit.watch_task():`."""
        watch = TaskWatch()
        self._begin(watch)
        return watch

    def _begin(self, wait: _Wait) -> None:
        self._waits.append((self.loop.time(), wait))
        if not self._is_looking:
            self._look_later()

    def _look_later(self) -> None:
        self._is_looking = True
        self.loop.call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        begun_before = self.loop.time() - self._seconds
        self._waits = [each for each in self._waits if not each[1].done()]
        for since, wait in self._waits:
            if since > begun_before:
                break
            wait.set_exception(TimeoutError())
        self._is_looking = False
        if self._waits:
            self._look_later()


class TaskWatch:
    """What the running task does in a block; as `asyncio.timeout`, without a timer of its own."""

    __slots__ = ("_cancelling", "_has_ended", "_has_struck", "_task")

    def __init__(self) -> None:
        task: asyncio.Task[Any] | None = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task's time can be limited")
        self._task = task
        self._cancelling = task.cancelling()
        self._has_ended = self._has_struck = False

    def done(self) -> bool:
        return self._has_ended or self._has_struck

    def set_exception(self, _error: BaseException, /) -> None:
        self._has_struck = True
        self._task.cancel()

    def end_now(self) -> None:
        """End the block before its time; not to be called by the task itself."""
        if not self.done():
            self.set_exception(TimeoutError())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._has_ended = True
        if self._has_struck and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
