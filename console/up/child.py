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

_GUARD: Final = Path(__file__).with_name("guard.py")
_LIVED_LONG_SECONDS: Final = 5.0
_RESTART_SECONDS: Final = (0.1, 5.0)

Hear = Callable[["Child", str], None]
"""Is told each line that a process prints."""


class Child:
    """A process under a guard, which ends it should `hooks up` be killed."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], hear: Hear) -> None:
        self.name = name
        self.is_ready = False
        """Whether it ever came as far as doing its work."""
        self._command = command
        self._environment = environment
        self._hear = hear
        self._process: subprocess.Popen[str] | None = None
        self._started_at = 0.0
        self._start_again_at: float | None = None
        self._wait = _RESTART_SECONDS[0]

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), *self._command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            env=dict(self._environment),
            start_new_session=True,  # Ctrl-C reaches `hooks up` alone, which ends the others in order
        )
        self._started_at = time.monotonic()
        self._start_again_at = None
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        for line in process.stdout:
            self._hear(self, line.rstrip("\n"))

    def exit_code(self) -> int | None:
        """Give the exit code of a process that has ended, as a shell tells it; None while it runs."""
        return None if self._process is None else self._process.poll()

    def start_again_when_due(self) -> bool:
        """Start a dead process again, later each time while it dies young; tell whether it was started."""
        now = time.monotonic()
        if self._start_again_at is None:
            lived_long = now - self._started_at > _LIVED_LONG_SECONDS
            self._wait = _RESTART_SECONDS[0] if lived_long else min(self._wait * 2, _RESTART_SECONDS[1])
            self._start_again_at = now + self._wait
        if now < self._start_again_at:
            return False
        self.start()
        return True

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
