"""That a stop is heard by each process, while it starts and while it is under load."""

import asyncio
import os
import signal
from functools import partial
from types import FrameType
from typing import Any, Final

STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})


def hold_over_forks() -> None:
    """Keep stop signals from new processes until they call `hear`.

    A new process has the main one's handlers until granian gives it its own: a SIGTERM between the two would
    be lost, and the stop take until granian kills the process.
    """
    os.register_at_fork(
        before=partial(signal.pthread_sigmask, signal.SIG_BLOCK, STOP_SIGNALS),
        after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, STOP_SIGNALS),
    )


def hear(loop: asyncio.AbstractEventLoop) -> None:
    """Let stop signals through to the handlers that were added to the loop, however busy it is."""
    if isinstance(loop, asyncio.SelectorEventLoop):
        _hear_beside_the_pipe(loop)
        _let_through()
    else:
        loop.call_soon(_let_through)  # uvloop loses what comes before it runs, and nothing once it does


def _let_through() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _hear_beside_the_pipe(loop: Any) -> None:  # noqa: ANN401 - _handle_signal is not public
    # asyncio reads a signal's number from the pipe that also wakes it up. When thousands of requests do that
    # at once it is full, and the signal lost.
    def hand_over(number: int, _frame: FrameType | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(loop._handle_signal, number)  # noqa: SLF001 - what the pipe leads to

    signal.set_wakeup_fd(-1)
    for number in STOP_SIGNALS:
        signal.signal(number, hand_over)
