"""Where log lines go: to standard output.

What is told while all goes well is made and put out a moment later, all together: that costs a fraction, and
lets no other thread in between. Warnings and errors come at once, as they may be a process's last words.
"""

import atexit
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

_FLUSH_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 0.1
"""A signal handler that logs may have interrupted a flush, which would then never end."""


Line = str | Callable[[], str]
"""What is to be put out, or how it is made then."""


class LogOutput:
    """Standard output of this process, and the thread that writes to it."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()
        self._is_wanted = threading.Event()
        self._flushing = threading.Lock()
        self._writes_later = True
        # What is not written yet must not be in two processes; and a thread does not survive a fork.
        os.register_at_fork(
            before=self._before_fork,
            after_in_parent=self._flushing.release,
            after_in_child=self._after_fork,
        )
        atexit.register(self.flush)
        threading.Thread(target=self._flush_now_and_then, name="log output", daemon=True).start()

    def write(self, line: Line, *, at_once: bool) -> None:
        self._lines.append(line)
        if at_once or not self._writes_later:
            self.flush()
        elif not self._is_wanted.is_set():
            self._is_wanted.set()

    def flush(self) -> None:
        """Write what is there; lines are never mixed nor torn, whoever writes them."""
        if not self._flushing.acquire(timeout=_PATIENCE_SECONDS):
            self._is_wanted.set()
            return
        try:
            self._flush()
        finally:
            self._flushing.release()

    def _flush(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        # Whoever read standard output may be gone, or its disk full: work goes on, unheard.
        # Or a handler has just set it to something else.
        with suppress(OSError, ValueError, AttributeError):
            _put_out("".join(f"{line if isinstance(line, str) else line()}\n" for line in lines))

    def _flush_now_and_then(self) -> None:
        while True:
            self._is_wanted.wait()
            time.sleep(_FLUSH_SECONDS)
            self._is_wanted.clear()
            self.flush()

    def _before_fork(self) -> None:
        self._flushing.acquire()
        self._flush()

    def _after_fork(self) -> None:
        self._writes_later = False
        self._flushing.release()


def _put_out(lines: str) -> None:
    try:
        sys.stdout.write(lines)
    except UnicodeEncodeError:  # one character, of a handler's perhaps, must not cost the lines beside it
        encoding = sys.stdout.encoding
        sys.stdout.write(lines.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class LogLine:
    """What structlog hands the lines of one logger to."""

    name: str
    output: LogOutput

    def info(self, message: Line) -> None:
        self.output.write(message, at_once=False)

    def warning(self, message: Line) -> None:
        self.output.write(message, at_once=True)

    debug = info
    msg = error = critical = exception = warning
