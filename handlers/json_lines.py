"""A file of JSON lines that several processes append to, and that a crash leaves whole.

Each line is an object that begins with what it is about and the event that told of it; of the lines about one
thing the last one counts.
"""

import fcntl
import json
import mmap
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_NEWLINE: Final = b"\n"


class JsonLines:
    """The file; it need not exist yet, nor its folder."""

    def __init__(self, path: Path, *, about: str) -> None:
        """`about` is the key of what a line is about, such as "memoryId"."""
        self._path = path
        self._about = about

    def append(self, subject: str, event_id: str, at: str, fields: Mapping[str, Any]) -> bool:
        """Add a line, and have it on disk; unless the event's is there, or a newer one about the subject.

        `at` are times that compare as texts. Tells whether the line was added.
        """
        start = _beginning({self._about: subject})
        line = {self._about: subject, "event": event_id, "at": at, **fields}
        with self._locked() as file:
            _cut_off_what_a_crash_left(file)
            with _contents(file) as contents:
                if _last(contents, _beginning({self._about: subject, "event": event_id})) is not None:
                    return False
                newest = _last(contents, start)
            if newest is not None and str(newest.get("at")) > at:
                return False
            _write(file, _encoded(line) + _NEWLINE)
        return True

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file for this process alone; gives its descriptor."""
        is_new = not self._path.exists()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)  # gives the lock back
        if is_new:
            _sync_folder(self._path.parent)


def _encoded(value: Mapping[str, Any]) -> bytes:
    # ASCII: whoever reads the file need not know its encoding, and nothing is left that has none.
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def _beginning(fields: Mapping[str, Any]) -> bytes:
    return _encoded(fields)[:-1] + b","


@contextmanager
def _contents(file: int) -> Iterator["mmap.mmap | bytes"]:
    if os.fstat(file).st_size == 0:  # which can't be mapped
        yield b""
        return
    with mmap.mmap(file, 0, access=mmap.ACCESS_READ) as contents:
        yield contents


def _last(contents: "mmap.mmap | bytes", beginning: bytes) -> dict[str, Any] | None:
    """Give the last line that begins so; one that can't be read, as after a slip in an editor, is none."""
    at = contents.rfind(_NEWLINE + beginning) + 1
    if at == 0 and contents[: len(beginning)] != beginning:
        return None
    end = contents.find(_NEWLINE, at)
    try:
        found: dict[str, Any] = json.loads(contents[at:end])
    except ValueError:
        return None
    return found


def _cut_off_what_a_crash_left(file: int) -> None:
    """Make the last line end: one that a crash cut short is taken away, and its event comes again."""
    with _contents(file) as contents:
        if not contents or contents[-1:] == _NEWLINE:
            return
        last = contents.rfind(_NEWLINE) + 1
        is_whole = _is_json(contents[last:])
    if is_whole:  # as an editor leaves it
        os.write(file, _NEWLINE)
    else:
        os.ftruncate(file, last)


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _write(file: int, line: bytes) -> None:
    left = memoryview(line)
    while left:
        left = left[os.write(file, left) :]
    os.fsync(file)


def _sync_folder(folder: Path) -> None:
    """Have a new file's name on disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
