"""A fair queue of writers before SQLite's one write lock, over threads and processes.

SQLite's own busy wait polls, so that a busy process starves the others for seconds. Two lock files put
writers in line: whoever holds *gate* is the next to get *write*, and lets *gate* go once it has it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_MODE: Final = 0o600


class WriteGate:
    """Lets one writer at a time through, in the order of arrival."""

    def __init__(self, database: Path) -> None:
        self._gate = f"{database}-gate"
        self._write = f"{database}-write"

    @contextmanager
    def pass_through(self) -> Iterator[None]:
        """Hold the right to write; blocks until it is this writer's turn."""
        with _locked(self._write, within=self._gate):
            yield


@contextmanager
def _locked(path: str, *, within: str) -> Iterator[None]:
    # Opened anew each time: a lock belongs to the open file, and a forked child would share it.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    try:
        line = os.open(within, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(line, fcntl.LOCK_EX)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        finally:
            fcntl.flock(line, fcntl.LOCK_UN)
            os.close(line)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)
