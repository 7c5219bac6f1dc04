"""Waits for what other processes bring about, and shows what it saw last when that does not come."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

_SELDOM_SECONDS = 0.05
"""A look is often a query, and takes time from the processes that it waits for."""


def wait_until(
    condition: Callable[[], Seen], deadline_seconds: float = 10, *, every_seconds: float = 0.01
) -> Seen:
    """Call the condition until it gives something true, and return that; what it raises is not caught.

    It is called that often in the beginning, and every 0.05 s later, unless that is less often.

    A condition that returns what it looked at (a row, a count) makes the failure readable:
    `wait_until(lambda: log.state(id) == "done")` can only say False.
    """
    began = time.monotonic()
    while not (seen := condition()):
        waited_seconds = time.monotonic() - began
        if waited_seconds > deadline_seconds:
            name = getattr(condition, "__qualname__", repr(condition))
            raise AssertionError(f"{name} was still {seen!r} after {deadline_seconds:g} s")
        time.sleep(max(every_seconds, min(waited_seconds / 20, _SELDOM_SECONDS)))
    return seen
