"""Requests written to a file before the load begins."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.load.dialect import Dialect, request_bytes
from benchmarks.load.payload import PayloadMaker

_LENGTH_DIGITS: Final = 8
_SEED: Final = 1
_RECENT: Final = 1000
"""A repeated event is one of so many before it: senders repeat soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFile:
    """One file, and which of its requests bring an event for the first time."""

    path: Path
    is_new: tuple[bool, ...]

    def unique_among(self, sent: int) -> int:
        """Count the events in the first `sent` requests; past the end the last one is repeated."""
        return sum(self.is_new[:sent])


def write_requests(
    path: Path,
    maker: PayloadMaker,
    dialect: Dialect,
    *,
    number: int,
    duplicates: float = 0.0,
    keep_alive: bool = True,
) -> RequestFile:
    """Write requests, each behind its length in digits; `duplicates` is the share that repeats an event."""
    choice = random.Random(_SEED)
    recent: list[bytes] = []
    is_new: list[bool] = []
    with path.open("wb") as file:
        for place in range(number):
            repeats = bool(recent) and choice.random() < duplicates
            if repeats:
                request = choice.choice(recent)
            else:
                request = request_bytes(maker.make(place), dialect, keep_alive=keep_alive)
            if duplicates and not repeats:
                recent = [*recent[-_RECENT:], request] if len(recent) > 2 * _RECENT else recent
                recent.append(request)
            is_new.append(not repeats)
            file.write(b"%0*d" % (_LENGTH_DIGITS, len(request)))
            file.write(request)
    return RequestFile(path=path, is_new=tuple(is_new))
