"""Makes the rows in a process of their own, so that making and writing share a machine's cores."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.queues import Queue
from typing import Final

from benchmarks.fill.history import History, Rows

_AHEAD: Final = 4
"""So many pieces may lie ready."""
_PATIENCE_SECONDS: Final = 300
_BESIDE: Final = 100_000
"""Fewer events than these are made sooner than a process is started."""


def pieces(number: int, *, now_us: int) -> Iterator[Rows]:
    """Give the rows of a history of so many events, the oldest first."""
    if number < _BESIDE:
        yield from History(number, now_us=now_us).chunks()
        return
    context = multiprocessing.get_context("spawn")
    ready: Queue[Rows | None] = context.Queue(_AHEAD)
    maker = context.Process(target=_make, args=(ready, number, now_us), daemon=True)
    maker.start()
    try:
        while (rows := ready.get(timeout=_PATIENCE_SECONDS)) is not None:
            yield rows
    finally:
        maker.terminate()
        maker.join()


def _make(ready: "Queue[Rows | None]", number: int, now_us: int) -> None:
    for rows in History(number, now_us=now_us).chunks():
        ready.put(rows)
    ready.put(None)
