"""Runs trials in a process of their own, and always has something to report of each."""

import os
import selectors
import signal
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import Final, Self

import msgspec

from workers.crash import describe_exit
from workers.dry_run.messages import Findings, KillAt, Ready, Said, Trial, TrialError, line_of, read_said
from workers.timer import KILL_AFTER_SECONDS

_START_SECONDS: Final = 60.0
_LOOK_EVERY_SECONDS: Final = 0.05
_SLACK_SECONDS: Final = 1.0
"""The process itself kills nothing, but knows better when its handler began."""


class DryRunImpossible(Exception):  # noqa: N818 - named for what happened
    """The process for the trials could not be started."""


class Trials:
    """The process, started anew after a handler has ended it; use it with `with`."""

    def __init__(self, command: Sequence[str]) -> None:
        """`command` starts the process; the file descriptor for its answers is added as its last argument."""
        self._command = command
        self._process: _Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def run(self, trials: Iterable[Trial]) -> Iterator[tuple[Trial, Findings]]:
        """Run them one by one. Raises `DryRunImpossible`."""
        for trial in trials:
            yield trial, self._findings(trial)

    def _findings(self, trial: Trial, *, may_repeat: bool = True) -> Findings:
        # A process that the handler before had broken may live long enough to be told of this trial; it is
        # nothing to this one, which is repeated then.
        process = self._ready()
        began = monotonic()
        kill_at = began + trial.timeout_seconds + KILL_AFTER_SECONDS + _SLACK_SECONDS
        process.tell(trial)
        has_begun = False
        while True:
            said = process.hear(until=kill_at)
            if isinstance(said, Findings):
                return said
            if isinstance(said, str):
                self._end()
                if may_repeat and not has_begun:
                    return self._findings(trial, may_repeat=False)
                return _crashed(said, milliseconds=(monotonic() - began) * 1000)
            has_begun = True
            if isinstance(said, KillAt):
                latest = began + trial.timeout_seconds + KILL_AFTER_SECONDS
                kill_at = min(said.monotonic, latest) + _SLACK_SECONDS

    def _ready(self) -> "_Process":
        if self._process is not None and self._process.is_alive():
            return self._process
        self._end()
        self._process = _Process(self._command)
        said = self._process.hear(until=monotonic() + _START_SECONDS)
        if isinstance(said, Ready):
            return self._process
        self._end()
        raise DryRunImpossible(f"the process of the dry run {said} before it had loaded the handlers")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()


class _Process:
    def __init__(self, command: Sequence[str]) -> None:
        reading, writing = os.pipe()
        try:
            # What handlers print goes where errors go: standard output is for the report.
            self._child = subprocess.Popen(
                [*command, str(writing)],
                stdin=subprocess.PIPE,
                stdout=2,
                pass_fds=(writing,),
                start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we end it
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        os.set_blocking(reading, False)
        self._reading = reading
        self._heard = b""
        self._is_closed = False
        self._ready = selectors.DefaultSelector()
        self._ready.register(reading, selectors.EVENT_READ)

    def is_alive(self) -> bool:
        return self._child.poll() is None

    def tell(self, trial: Trial) -> None:
        assert self._child.stdin is not None  # noqa: S101 - for the type checker
        with suppress(OSError):  # it has just died; `hear` says how
            self._child.stdin.write(line_of(trial))
            self._child.stdin.flush()

    def hear(self, *, until: float) -> Said | str:
        """Wait for its next message; gives words for why there is none, and then it is to be ended."""
        while True:
            line, found, rest = self._heard.partition(b"\n")
            if found:
                self._heard = rest
                try:
                    return read_said(line)
                except msgspec.MsgspecError:
                    return "said what can't be understood"
            # First whether it lives, then what it said: what it wrote last is not missed.
            code = self._child.poll()
            if self._read() or (code is None and self._wait(until)):
                continue
            return "was killed, because it took too long" if code is None else describe_exit(code)

    def end(self) -> None:
        """End it with all that its handlers started."""
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._ready.close()
        os.close(self._reading)
        if self._child.stdin is not None:
            with suppress(OSError):
                self._child.stdin.close()

    def _wait(self, until: float) -> bool:
        left = until - monotonic()
        if left <= 0:
            return False
        if self._is_closed:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(min(left, _LOOK_EVERY_SECONDS))
        else:
            # Not for its end: what a handler started may hold the pipe open after that.
            self._ready.select(min(left, _LOOK_EVERY_SECONDS))
        return True

    def _read(self) -> bool:
        if self._is_closed:
            return False
        try:
            found = os.read(self._reading, 65536)
        except BlockingIOError:
            return False
        self._is_closed = not found
        self._heard += found
        return bool(found)


def _crashed(words: str, *, milliseconds: float) -> Findings:
    return Findings(
        outcome="crashed",
        milliseconds=round(milliseconds, 1),
        error=TrialError(
            type="WorkerCrashed", message=f"the process {words} while this handler ran", place=""
        ),
    )
