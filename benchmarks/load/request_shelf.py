"""Keeps the requests of one run prepared, as every candidate of a round is sent the same."""

from pathlib import Path

from benchmarks.load.dialect import Dialect
from benchmarks.load.payload import PayloadMaker
from benchmarks.load.plan import Load
from benchmarks.load.request_file import RequestFile, write_requests


class RequestShelf:
    """A folder of request files; those of another run make room."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run = ""
        self._held: dict[tuple[str, Dialect, Load], RequestFile] = {}

    def file(self, run: str, part: str, dialect: Dialect, load: Load) -> RequestFile:
        """Give the file of a load; its events' ids are those of the run and its part."""
        if run != self._run:
            for held in self._held.values():
                held.path.unlink()
            self._held.clear()
            self._run = run
        key = (part, dialect, load)
        if key not in self._held:
            self._held[key] = write_requests(
                self._folder / f"requests-{len(self._held)}",
                PayloadMaker(f"{run}-{part}", size=load.size, own_subjects=load.own_subjects),
                dialect,
                number=load.requests,
                duplicates=load.duplicates,
                keep_alive=load.keep_alive,
            )
        return self._held[key]
