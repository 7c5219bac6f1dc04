"""A wall clock for other processes, which a test sets: libfaketime gives it to them.

Their monotonic clock runs on.
"""

import os
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Self

import pytest

# Python's sleep is one until a moment of the monotonic clock; libfaketime moves that with the wall clock.
_SLEEP = """
import select
import time

time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""
_PLACES = ("/usr/lib/*/faketime", "/usr/lib*/faketime", "/usr/local/lib/faketime")


class WallClock:
    """A clock that starts at the true time."""

    def __init__(self) -> None:
        # Under /tmp and open to all, as PostgreSQL runs as another user.
        self._folder = Path(mkdtemp(prefix="hooks-clock-", dir="/tmp"))
        self._folder.chmod(0o755)
        self._file = self._folder / "set-by"
        (self._folder / "sitecustomize.py").write_text(_SLEEP)
        self.set_by(0)

    def environment(self, *, python_path: str = "") -> dict[str, str]:
        """Give what a process needs in its environment to live by this clock."""
        return {
            "PYTHONPATH": os.pathsep.join([str(self._folder), *filter(None, [python_path])]),
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set_by(self, seconds: float) -> None:
        """Set it so many seconds from the true time, at once and for all its processes."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+g}\n")
        new.replace(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder)


def _library() -> Path:
    found = [
        library for place in _PLACES for library in Path("/").glob(f"{place.lstrip('/')}/libfaketimeMT.so.1")
    ]
    if found:
        return found[0]
    if sys.platform == "darwin":
        pytest.skip("macOS loads no library into programs of its own: clocks are set on Linux only")
    pytest.fail("libfaketime is not installed; run scripts/test-tools (Debian's package is faketime)")
