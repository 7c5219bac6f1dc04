"""`hooks up --reload`: sees that handlers were edited, tries the new code, and has the workers load it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from console.up.display import show
from console.up.watched_files import WatchedFiles
from console.visible import visible_line

_GUARD: Final = Path(__file__).with_name("guard.py")
_CHECK: Final = (sys.executable, "-m", "console.handler_check")
_LOOK_EVERY_SECONDS: Final = 0.25
_CHECK_SECONDS: Final = 60.0
_NAMED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a check found."""

    error: str | None
    files: frozenset[Path] = frozenset()
    folders: frozenset[Path] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """A process that tries to load the handlers."""

    process: subprocess.Popen[bytes]
    said: IO[bytes]
    changed: frozenset[Path]
    began: float
    began_ns: int


class Reloader:
    """Asked often, it does a little each time; it never waits, and runs no user code in this process."""

    def __init__(
        self, reload_file: Path, environment: Mapping[str, str], say: Callable[..., None] = show
    ) -> None:
        """`reload_file` is written when the workers are to load the handlers anew."""
        self._reload_file = reload_file
        self._environment = environment
        self._say = say
        self._watched = WatchedFiles()
        self._known = _Found(error=None)
        self._settling: dict[Path, object] = {}
        self._look_at = 0.0
        self._began_ns = time.time_ns()
        self._is_first = True
        self._check: _Check | None = None

    def look(self) -> None:
        """Go one step: see a change, start to try it, or hear what came of that."""
        if self._check is not None:
            self._hear(self._check)
        elif self._is_first:  # which files there are only a check knows
            self._begin(frozenset())
        elif time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _LOOK_EVERY_SECONDS
            self._see()

    def close(self) -> None:
        if self._check is not None:
            _end(self._check)
            self._check = None

    def _see(self) -> None:
        changed = self._watched.changed()
        # Editors write in several steps: what still changes is looked at later.
        if changed and changed == self._settling:
            self._watched.take_note(changed)
            self._begin(frozenset(changed))
        self._settling = dict(changed)

    def _begin(self, changed: frozenset[Path]) -> None:
        said = TemporaryFile()  # noqa: SIM115 - closed by _end
        began_ns = time.time_ns()
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), *_CHECK],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.DEVNULL,
            env=dict(self._environment),
            start_new_session=True,
        )
        self._check = _Check(
            process=process, said=said, changed=changed, began=time.monotonic(), began_ns=began_ns
        )

    def _hear(self, check: _Check) -> None:
        took_too_long = time.monotonic() > check.began + _CHECK_SECONDS
        if check.process.poll() is None and not took_too_long:
            return
        _end(check)
        self._check = None
        found = _read(check) if not took_too_long else _Found(error=f"loading took over {_CHECK_SECONDS:g} s")
        check.said.close()
        if not self._is_first:
            self._tell(check, found)
        self._watch(found, since_ns=self._began_ns if self._is_first else check.began_ns)
        self._is_first = False

    def _tell(self, check: _Check, found: _Found) -> None:
        names = _names(check.changed)
        if found.error is not None:
            self._say(
                f"{names} changed; the old code stays: {visible_line(found.error)}",
                word="reload",
                colour="red",
            )
            return
        self._say(f"{names} changed; workers take it up between two events", word="reload", colour="cyan")
        self._reload_file.write_text(f"{time.time_ns()}\n")

    def _watch(self, found: _Found, *, since_ns: int) -> None:
        if found.error is not None:
            # What could not be loaded is not among the loaded files: it is probably beside those.
            files = self._known.files | found.files
            folders = self._known.folders | found.folders
            self._known = _Found(error=found.error, files=files, folders=folders)
            beside = {file.parent for file in files} | {Path.cwd()}
            self._watched.watch(files, folders | beside, since_ns=since_ns)
        else:
            self._known = found
            self._watched.watch(found.files, found.folders, since_ns=since_ns)


def _read(check: _Check) -> _Found:
    check.said.seek(0)
    try:
        told = json.loads(check.said.read())
        return _Found(
            error=told["error"],
            files=frozenset(map(Path, told["files"])),
            folders=frozenset(map(Path, told["folders"])),
        )
    except (ValueError, KeyError, TypeError):
        return _Found(error=f"loading it ended Python, with exit code {check.process.returncode}")


def _end(check: _Check) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(check.process.pid, signal.SIGKILL)
    check.process.wait()
    if check.process.stdin is not None:
        check.process.stdin.close()


def _names(files: Iterable[Path]) -> str:
    here = Path.cwd()
    names = sorted(str(file.relative_to(here)) if file.is_relative_to(here) else str(file) for file in files)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
