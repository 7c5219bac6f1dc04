"""Waits for what other processes bring about, and shows what it saw last when that does not come."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def wait_until(
    condition: Callable[[], Seen], deadline_seconds: float = 10, *, every_seconds: float = 0.01
) -> Seen:
    """Call the condition until it gives something true, and return that; what it raises is not caught.

    A condition that returns what it looked at (a row, a count) makes the failure readable:
    `wait_until(lambda: log.state(id) == "done")` can only say False.
    """
    deadline = time.monotonic() + deadline_seconds
    while not (seen := condition()):
        if time.monotonic() > deadline:
            name = getattr(condition, "__qualname__", repr(condition))
            raise AssertionError(f"{name} was still {seen!r} after {deadline_seconds:g} s")
        time.sleep(every_seconds)
    return seen
