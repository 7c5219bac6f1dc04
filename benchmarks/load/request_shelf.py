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
        self._held: dict[tuple[str, Dialect, Load], list[RequestFile]] = {}

    def files(self, run: str, part: str, dialect: Dialect, load: Load) -> list[RequestFile]:
        """Give a file for each thread of the load; its events' ids are those of the run and its part."""
        if run != self._run:
            for file in (each for files in self._held.values() for each in files):
                file.path.unlink()
            self._held.clear()
            self._run = run
        key = (part, dialect, load)
        if key not in self._held:
            self._held[key] = self._write(f"{run}-{part}", f"requests-{len(self._held)}", dialect, load)
        return self._held[key]

    def _write(self, prefix: str, name: str, dialect: Dialect, load: Load) -> list[RequestFile]:
        number = load.requests
        maker = PayloadMaker(prefix, size=load.size)
        return [
            write_requests(
                self._folder / f"{name}.{thread}",
                maker,
                dialect,
                number=number,
                first=thread * number,
                duplicates=load.duplicates,
                keep_alive=load.keep_alive,
                seed=thread,
            )
            for thread in range(load.threads)
        ]
