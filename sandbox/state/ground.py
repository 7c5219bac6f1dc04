"""What all state of the sandbox stands on: one lock, one clock, one source of chance."""

import random
import string
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

_ALPHABET: Final = string.ascii_lowercase + string.digits


class Ground:
    """Shared by all parts of a world; its lock is reentrant, so that they may use each other."""

    def __init__(self, *, now: Callable[[], datetime], chance: random.Random) -> None:
        self.lock = threading.RLock()
        self.now = now
        self._chance = chance

    def new_id(self, prefix: str) -> str:
        """Return an id like the documented `query_abc123`, but long enough never to come twice."""
        return f"{prefix}_{self.new_word(14)}"

    def new_word(self, length: int) -> str:
        with self.lock:
            return "".join(self._chance.choices(_ALPHABET, k=length))


def timestamp(at: datetime) -> str:
    """Write a time as the API reference does: `2026-01-30T12:00:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
