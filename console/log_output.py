"""Where finished log lines go: to standard output, one write each, so that lines of threads never mix.

A flush costs more than a line, and makes other threads wait. What is told while all goes well is flushed a
moment later, together; warnings and errors are flushed at once, as they may be a process's last words.
"""

import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

_FLUSH_SECONDS: Final = 0.02


class LogOutput:
    """Standard output of this process, and the thread that flushes it."""

    def __init__(self) -> None:
        self._is_wanted = threading.Event()
        self._flushing = threading.Lock()
        self._flushes_later = True
        # What is not flushed yet must not be in two processes; and a thread does not survive a fork.
        os.register_at_fork(
            before=self._before_fork,
            after_in_parent=self._flushing.release,
            after_in_child=self._after_fork,
        )
        threading.Thread(target=self._flush_now_and_then, name="log output", daemon=True).start()

    def write(self, line: str, *, at_once: bool) -> None:
        # Whoever read standard output may be gone, or its disk full: work goes on, unheard.
        # Or a handler has just set it to something else.
        with suppress(OSError, ValueError, AttributeError):
            sys.stdout.write(line + "\n")
            if at_once or not self._flushes_later:
                sys.stdout.flush()
            elif not self._is_wanted.is_set():
                self._is_wanted.set()

    def _flush_now_and_then(self) -> None:
        while True:
            self._is_wanted.wait()
            time.sleep(_FLUSH_SECONDS)
            self._is_wanted.clear()
            with self._flushing:
                _flush()

    def _before_fork(self) -> None:
        self._flushing.acquire()
        _flush()

    def _after_fork(self) -> None:
        self._flushes_later = False
        self._flushing.release()


def _flush() -> None:
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class LogLine:
    """What structlog hands the lines of one logger to."""

    name: str
    output: LogOutput

    def info(self, message: str) -> None:
        self.output.write(message, at_once=False)

    def warning(self, message: str) -> None:
        self.output.write(message, at_once=True)

    debug = info
    msg = error = critical = exception = warning
