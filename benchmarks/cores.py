"""Pins what is started to cores: whoever is measured has core 0 to itself, all else shares core 1."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MEASURED: Final = 0
REST: Final = 1
ALL: Final = (MEASURED, REST)


@contextmanager
def on_cores(*cores: int) -> Iterator[None]:
    """Have this thread, and what it starts meanwhile, run on these cores only (Linux)."""
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, cores)
    except OSError as error:
        raise SystemExit(f"benchmarks need cores {MEASURED} and {REST} of this machine: {error}") from None
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
