"""A fair queue of writers before SQLite's one write lock, over threads and processes.

SQLite's own busy wait polls, so that a busy process starves the others for seconds. Two lock files put
writers in line: whoever holds *gate* is the next to get *write*, and lets *gate* go once it has it.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

_MODE: Final = 0o600
_PID_BYTES: Final = 16


class WriterStuck(TimeoutError):  # noqa: N818 - named for what happened
    """Another process holds the right to write, and does not let it go."""


class Gate(Protocol):
    """Lets one writer at a time through."""

    def pass_through(self) -> AbstractContextManager[None]:
        """Hold the right to write once it is this writer's turn.

        Raises `WriterStuck` when the turn does not come in time.
        """


class WriteGate:
    """Lets one writer at a time through, in the order of arrival."""

    def __init__(self, database: Path, *, patience_seconds: float) -> None:
        self._database = database
        self._patience_seconds = patience_seconds
        self._left: list[_Place] = []
        self._lock = threading.Lock()

    @contextmanager
    def pass_through(self) -> Iterator[None]:
        """Hold the right to write once it is this writer's turn.

        Raises `WriterStuck` when the turn does not come in time.
        """
        held = _WritePass(self._database)
        try:
            if not held.take_at_once():
                held = self._stand_in_line()
            yield
        finally:
            held.give_back()

    def _stand_in_line(self) -> "_WritePass":
        place = self._take_over() or _Place(self._database)
        came = False
        try:
            came = place.wait(self._patience_seconds)
        finally:
            if not came and place.leave():
                with self._lock:
                    self._left.append(place)
        if not came:
            raise WriterStuck(
                f"{_writer_of(self._database)} has been writing for more than"
                f" {self._patience_seconds:g} s; was it stopped?"
            )
        return place.held

    def _take_over(self) -> "_Place | None":
        with self._lock:
            while self._left:
                place = self._left.pop()
                if place.enter():
                    return place
        return None


class _WritePass:
    """The two locks; they belong to files opened anew each time, as a forked child would share them."""

    def __init__(self, database: Path) -> None:
        self._gate_path = f"{database}-gate"
        self._write_path = f"{database}-write"
        self._descriptor = -1

    def take_at_once(self) -> bool:
        """Take the right to write if nobody has it or waits for it."""
        try:
            self._take(fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def take(self) -> None:
        self._take(0)

    def _take(self, flag: int) -> None:
        gate = os.open(self._gate_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(gate, fcntl.LOCK_EX | flag)
            # Kept before it is locked: an alarm may strike anywhere, and must find what to give back.
            self._descriptor = os.open(self._write_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | flag)
        except BaseException:
            self.give_back()
            raise
        finally:
            fcntl.flock(gate, fcntl.LOCK_UN)
            os.close(gate)
        with suppress(OSError):  # a full disk; the name serves only for a message
            os.pwrite(self._descriptor, str(os.getpid()).encode().ljust(_PID_BYTES), 0)

    def give_back(self) -> None:
        """Let the next one write; does nothing when there is nothing to give back."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


class _Place:
    """A place in the line, kept by a thread, for flock knows no deadline.

    A writer that gives up leaves it; the next one of this process takes it over, so that however long
    the line stands, there are no more threads than writers.
    """

    def __init__(self, database: Path) -> None:
        self.held = _WritePass(database)
        self._is_wanted = True
        self._is_over = False
        self._error: OSError | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._stand, name="write gate", daemon=True).start()

    def enter(self) -> bool:
        """Take the place over, unless its turn came when nobody wanted it."""
        with self._changed:
            self._is_wanted = not self._is_over
            return self._is_wanted

    def wait(self, seconds: float) -> bool:
        """Wait for the turn; tells whether it came."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over, timeout=seconds)
            if self._error is not None:
                raise self._error
            return self._is_over

    def leave(self) -> bool:
        """Want the turn no more; tells whether the place is still in the line."""
        with self._changed:
            self._is_wanted = False
            if self._is_over and self._error is None:
                self.held.give_back()
            return not self._is_over

    def _stand(self) -> None:
        error = None
        try:
            self.held.take()
        except OSError as refused:
            error = refused
        with self._changed:
            self._is_over, self._error = True, error
            if not self._is_wanted and error is None:
                self.held.give_back()
            self._changed.notify_all()


def _writer_of(database: Path) -> str:
    try:
        return f"process {int(Path(f'{database}-write').read_bytes())}"
    except (OSError, ValueError):
        return "another process"
