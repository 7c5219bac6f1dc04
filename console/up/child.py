"""One process that `hooks up` runs, and starts again when it dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from console.up.lines import bounded_lines

_GUARD: Final = Path(__file__).with_name("guard.py")
_LIVED_LONG_SECONDS: Final = 5.0
_RESTART_SECONDS: Final = (0.1, 5.0)

_FAILED_TO_START_SECONDS: Final = 2.0
_SIGNALS_FROM: Final = 128

Hear = Callable[["Child", str], None]
"""Is told each line that a process prints."""

Mend = Callable[[], str | None]
"""Removes what keeps a process from starting; gives what it did, in words, or None."""


class Child:
    """A process under a guard, which ends it should `hooks up` be killed."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        hear: Hear,
        mend: Mend = lambda: None,
        inherits: Sequence[int] = (),
    ) -> None:
        """`inherits` are open files that it finds under the same numbers."""
        self.name = name
        self.is_ready = False
        """Whether it ever came as far as doing its work."""
        self._command = command
        self._environment = environment
        self._hear = hear
        self._mend = mend
        self._inherits = inherits
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_again_at: float | None = None
        self._mended: str | None = None
        self._wait = _RESTART_SECONDS[0]

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), *self._command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(self._environment),
            pass_fds=self._inherits,
            start_new_session=True,  # Ctrl-C reaches `hooks up` alone, which ends the others in order
        )
        self._started_at = time.monotonic()
        self._start_again_at = None
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        for line in bounded_lines(process.stdout):
            self._hear(self, line)

    def exit_code(self) -> int | None:
        """Give the exit code of a process that has ended, as a shell tells it; None while it runs."""
        return None if self._process is None else self._process.poll()

    @staticmethod
    def gave_up(code: int) -> bool:
        """Tell whether a process ended by its own decision, and not by a signal."""
        return 0 <= code < _SIGNALS_FROM

    def start_again_when_due(self, code: int) -> str | None:
        """Start a process that ended again, later each time while it dies young.

        Gives what was done, in words, once it was started.
        """
        now = time.monotonic()
        lived = now - self._started_at
        if self._start_again_at is None:
            self._wait = (
                _RESTART_SECONDS[0]
                if lived > _LIVED_LONG_SECONDS
                else min(self._wait * 2, _RESTART_SECONDS[1])
            )
            self._start_again_at = now + self._wait
            failed_to_start = lived < _FAILED_TO_START_SECONDS and 0 < code < _SIGNALS_FROM
            self._mended = self._mend() if failed_to_start else None
        if now < self._start_again_at:
            return None
        self.start()
        return f"ended with {_describe(code)}; {self._mended or 'started again'}"

    def terminate(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for the end of a process that was told to; kill it when that takes longer."""
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def kill(self) -> None:
        """End the guard and what it runs at once."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)


def _describe(code: int) -> str:
    # The guard was killed, or tells as a shell would how what it guarded was.
    number = -code if code < 0 else code - _SIGNALS_FROM
    return f"signal {number}" if number > 0 else f"exit code {code}"
