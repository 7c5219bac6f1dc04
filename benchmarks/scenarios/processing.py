"""One run of work for one candidate: events that lie ready are let loose on workers that are up and warm."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from benchmarks.candidates.processing import Crew
from benchmarks.store import CountsDiffer
from tests.servers.waiting import wait_until

WARM: Final = 4_000
"""Events that come before: Node works at its full rate only after some thousand, and all get as many."""
_WARM_AT_LEAST: Final = 20
_DEADLINE_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What a run gave."""

    rate: float
    """Events a second, from the moment the workers may begin until the last outcome is recorded."""
    metered: float
    """What the meter went on by meanwhile."""


def work_off(crew: Crew, number: int, *, run: str, share: float = 1) -> float:
    """Give events a second."""
    return work_off_metered(crew, number, run=run, share=share).rate


def work_off_metered(
    crew: Crew, number: int, *, run: str, share: float = 1, meter: Callable[[], float] = float
) -> Worked:
    """Work off so many events, and read a meter before and after; who is slow gets a share of the warm-up."""
    warm = max(_WARM_AT_LEAST, round(WARM * share))
    _warm_up(crew, warm, f"{run}-warm")
    main = f"{run}-main"
    crew.prepare(main, number)
    for worker in crew.workers:
        worker.pause()
    crew.send(main, number)
    before, began = meter(), time.monotonic()
    for worker in crew.workers:
        worker.resume()
    with suppress(AssertionError):
        wait_until(lambda: crew.finished() >= warm + number, _DEADLINE_SECONDS, every_seconds=_LOOK_SECONDS)
    took = time.monotonic() - began
    metered = meter() - before
    if crew.finished() != warm + number:
        raise CountsDiffer(f"of {warm + number} events {crew.finished()} have outcomes after {took:.0f} s")
    crew.check(warm + number)
    return Worked(rate=number / took, metered=metered)


def _warm_up(crew: Crew, number: int, prefix: str) -> None:
    crew.prepare(prefix, number)
    crew.send(prefix, number)
    crew.workers[0].wait_until_ready(lambda: crew.finished() >= number)
