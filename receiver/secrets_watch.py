"""Takes up a changed webhook secret without a restart: looks at the files that it comes from."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import structlog
from pydantic import ValidationError

_LOOK_SECONDS: Final = 0.5

ReadKeys = Callable[[], tuple[bytes, ...]]
"""Reads the keys as at a start; raises `ValueError` or `OSError`."""


class SecretsWatch:
    """Holds the keys that are accepted now; a thread follows the files.

    A change counts once two looks have found the same: an editor may leave a file empty for a moment.
    What can't be used is logged, and the keys stay as they are.
    """

    def __init__(
        self,
        keys: tuple[bytes, ...],
        read: ReadKeys,
        files: Iterable[Path],
        *,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._keys = keys
        self._ever = keys
        self._read = read
        self._files = tuple(files)
        self._look_seconds = look_seconds
        self._taken_up: tuple[bytes | None, ...] | None = None  # the keys may be older than the files
        self._seen = self._contents()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="secrets", daemon=True)
        self._log = structlog.get_logger("receiver")

    def keys(self) -> tuple[bytes, ...]:
        """Give the keys that are accepted now."""
        return self._keys

    def all_keys(self) -> tuple[bytes, ...]:
        """Give these and all that were accepted since the start, which must not be stored either."""
        return self._ever

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(self._look_seconds):
            try:
                self.look()
            except Exception:  # noqa: BLE001 - the keys it holds are good, and the next look may be
                self._log.exception("secrets_not_read")

    def look(self) -> None:
        """Look once at the files, and take up what they hold if they have come to rest."""
        seen, before = self._contents(), self._seen
        self._seen = seen
        if seen == self._taken_up or seen != before:
            return
        self._taken_up = seen
        try:
            keys = self._read()
        except (ValueError, OSError) as error:
            self._log.warning("secrets_kept", reason=_in_words(error))
            return
        if keys != self._keys:
            self._ever = tuple(dict.fromkeys((*keys, *self._ever)))
            self._keys = keys
            self._log.info("secrets_changed", accepted=len(keys))

    def _contents(self) -> tuple[bytes | None, ...]:
        # They are small, and their times may not tell of two changes that follow each other closely.
        return tuple(_content(file) for file in self._files)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _in_words(error: ValueError | OSError) -> str:
    """Word the error without what was given."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return (
            "no secret is set" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
        )
    if isinstance(error, UnicodeError):
        return "the file is not UTF-8"
    return f"{type(error).__name__}: {error.strerror}" if isinstance(error, OSError) else type(error).__name__
