"""Senders that send a given number of events at the same time, and keep to the pace of those who run them."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from tests.faults.stream import post

_SENDERS: Final = 4
_AHEAD: Final = 12
_AT_MOST_SECONDS: Final = 400


@contextmanager
def sending(
    ports: Sequence[int], events: Sequence[dict[str, Any]], chance: random.Random, run: Callable[[], int]
) -> Iterator[None]:
    """Send events, each until it is acknowledged; all are when the block is left.

    `run` says how many were run: no sender is far ahead of that, so that arrivals meet handlers at work.
    """
    left = list(reversed(events))
    chances = [random.Random(chance.random()) for _ in range(_SENDERS)]
    until = time.monotonic() + _AT_MOST_SECONDS

    def send(mine: random.Random) -> None:
        while left and time.monotonic() < until:
            try:
                event = left.pop()
            except IndexError:
                return
            while len(events) - len(left) > run() + _AHEAD and time.monotonic() < until:
                time.sleep(0.05)
            while post(mine.choice(ports), event) not in (200, 202) and time.monotonic() < until:
                time.sleep(0.05)

    threads = [threading.Thread(target=send, args=(each,), daemon=True) for each in chances]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()
    assert not left, f"{len(left)} were not sent in {_AT_MOST_SECONDS} s"
