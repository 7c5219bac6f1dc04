"""Whether any of some files was changed, added or removed: asked again and again, without any dependency."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_CLOCK_NANOSECONDS: Final = 20_000_000
"""A file's times may lag behind the clock by a tick of the kernel's."""

_Signature = tuple[int, int, int] | None


class WatchedFiles:
    """Files, and folders of files, as they were when a change was last taken note of."""

    def __init__(self) -> None:
        self._files: frozenset[Path] = frozenset()
        self._folders: frozenset[Path] = frozenset()
        self._seen: dict[Path, _Signature] = {}

    def watch(self, files: Iterable[Path], folders: Iterable[Path], *, since_ns: int) -> None:
        """Watch these from now on; of one that is new here, what was written after that time is a change."""
        self._files, self._folders = frozenset(files), frozenset(folders)
        now = self._signatures()
        self._seen = {
            file: self._seen[file] if file in self._seen else _as_of(found, since_ns)
            for file, found in now.items()
        }

    def changed(self) -> dict[Path, _Signature]:
        """Return the files that are not as they were, as they are now; None for one that is gone."""
        now = self._signatures()
        return {
            file: now.get(file)
            for file in now.keys() | self._seen.keys()
            if now.get(file) != self._seen.get(file, "never seen")
        }

    def take_note(self, changed: dict[Path, _Signature]) -> None:
        """Take these changes for known."""
        self._seen |= changed

    def _signatures(self) -> dict[Path, _Signature]:
        return {file: _signature(file) for file in self._files.union(*map(_modules_in, self._folders))}


def _modules_in(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py") and not entry.name.startswith("test_"):
                    yield Path(entry.path)
    except OSError:
        return


def _signature(file: Path) -> _Signature:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _as_of(found: _Signature, since_ns: int) -> _Signature:
    return None if found is None or found[0] > since_ns - _CLOCK_NANOSECONDS else found
