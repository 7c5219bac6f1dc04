"""What handlers share with the worker in one process: ended when it is broken, else put right after each."""

import gc
import signal
import sys
from collections.abc import Callable
from os import _exit, chdir, fstat, getpid, umask
from pathlib import Path
from signal import SIG_UNBLOCK, SIGALRM, SIGINT, SIGTERM
from typing import Final

from workers.signals import change_mask, handler_of

FILES_CLOSED_EXIT: Final = 79
"""The exit code of a child whose handler closed the process's own files."""

_FORK_EXIT: Final = 0


class Surroundings:
    """As they were when the handlers had been loaded."""

    def __init__(self, descriptor: int) -> None:
        """`descriptor` is of a file that only the worker may close: the page it shares with its parent."""
        self._descriptor = descriptor
        self._file = _identity(descriptor)
        self._pid = getpid()
        self._folder = str(Path.cwd())
        self._umask = umask(0o077)
        umask(self._umask)
        self._output, self._errors = sys.stdout, sys.stderr
        self._depth = sys.getrecursionlimit()
        self._trace, self._profile = sys.gettrace(), sys.getprofile()
        self._collects = gc.isenabled()
        self._signals = {number: handler_of(number) for number in (SIGTERM, SIGINT)}
        self._never_blocked = (SIGALRM, *self._signals)

    def require_intact(self) -> None:
        """End the process at once if it is a fork of the worker's, or lost its files.

        A fork that comes back from the handler would write all that the worker writes a second time. And a
        closed file's number is soon another file's, into which SQLite would write pages of the database.
        """
        if getpid() != self._pid:
            _exit(_FORK_EXIT)
        if _identity(self._descriptor) != self._file:
            _exit(FILES_CLOSED_EXIT)

    def restore(self) -> None:
        """Put back what the next handler, or the worker, would stumble over."""
        sys.stdout, sys.stderr = self._output, self._errors
        sys.setrecursionlimit(self._depth)
        _set_unless(sys.gettrace(), self._trace, sys.settrace)
        _set_unless(sys.getprofile(), self._profile, sys.setprofile)
        if self._collects and not gc.isenabled():
            gc.enable()
        umask(self._umask)
        try:  # noqa: SIM105 - suppress() takes as long as the rest
            chdir(self._folder)
        except OSError:
            pass  # it may have been removed
        change_mask(SIG_UNBLOCK, self._never_blocked)
        for number, handler in self._signals.items():
            if handler_of(number) is not handler:
                signal.signal(number, handler)


def _set_unless(now: object, before: object, set_: Callable[..., None]) -> None:
    if now is not before:
        set_(before)


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        found = fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino
