"""The file whose change has workers load the handlers anew."""

from pathlib import Path

_Signature = tuple[int, int, int]


class ReloadFile:
    """Tells whether the file was written since it was last looked at; without one it never was."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: _Signature | None = None

    def look(self) -> None:
        """Take the file as it is now for known."""
        self._seen = self._signature()

    def has_changed(self) -> bool:
        return self._path is not None and self._signature() not in (None, self._seen)

    def _signature(self) -> _Signature | None:
        try:
            found = self._path.stat() if self._path is not None else None
        except OSError:
            return None
        return None if found is None else (found.st_mtime_ns, found.st_size, found.st_ino)
