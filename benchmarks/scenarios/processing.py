"""One run of work for one candidate: events that lie ready are let loose on a worker that is up and warm."""

import time
from contextlib import suppress
from typing import Final

from benchmarks.candidates.processing import Crew
from benchmarks.store import CountsDiffer
from tests.servers.waiting import wait_until

_WARM: Final = 20
_DEADLINE_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.02


def work_off(crew: Crew, number: int, *, run: str) -> float:
    """Give events a second, from the moment the worker may begin until the last outcome is recorded."""
    warm, main = f"{run}-warm", f"{run}-main"
    crew.prepare(warm, _WARM)
    crew.send(warm, _WARM)
    crew.worker.wait_until_ready(lambda: crew.finished() >= _WARM)
    crew.prepare(main, number)
    crew.worker.pause()
    crew.send(main, number)
    began = time.monotonic()
    crew.worker.resume()
    with suppress(AssertionError):
        wait_until(lambda: crew.finished() >= _WARM + number, _DEADLINE_SECONDS, every_seconds=_LOOK_SECONDS)
    took = time.monotonic() - began
    if crew.finished() != _WARM + number:
        raise CountsDiffer(f"of {_WARM + number} events {crew.finished()} have outcomes after {took:.0f} s")
    crew.check(_WARM + number)
    return number / took
