"""What candidates run on: a Valkey that writes its file every second, as `hooks up` has it, and databases."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from redis import Redis

from benchmarks.cores import REST, on_cores
from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey

_MEMORY: Final = Path("/dev/shm")


class Site:
    """Servers on the core of the load; each database that is asked for is new."""

    def __init__(self, folder: Path, requests: Path, valkey: Valkey) -> None:
        self.folder = folder
        self.requests = requests
        """Where requests are prepared: in memory, as what is written to a disk holds up the commits there."""
        self.valkey = valkey
        self._numbers = count(1)
        self._postgres: PostgreSQL | None = None
        self._to_drop: list[str] = []

    @property
    def redis(self) -> Redis:
        return self.valkey.client()

    def new_folder(self) -> Path:
        made = self.folder / f"run-{next(self._numbers)}"
        made.mkdir()
        return made

    def new_database(self, kind: str, *, keep: bool = False) -> str:
        """Make an empty database, `sqlite` or `postgresql`, and give its URL.

        On PostgreSQL it is dropped when the next one is made, unless it is to be kept.
        """
        if kind == "sqlite":
            return f"sqlite:///{self.new_folder()}/events.db"
        if self._postgres is None:
            self._postgres = PostgreSQL()
            with on_cores(REST):
                self._postgres.start()
        for url in self._to_drop:
            self._postgres.drop_database(url)
        url = self._postgres.fresh_database()
        self._to_drop = [] if keep else [url]
        return url

    def close(self) -> None:
        if self._postgres is not None:
            self._postgres.close()


@contextmanager
def site(place: Path | None = None) -> Iterator[Site]:
    """Give servers that end, and a folder that goes, with the block; `place` says on which disk."""
    with (
        tempfile.TemporaryDirectory(prefix="hooks-bench-", dir=place) as folder,
        tempfile.TemporaryDirectory(
            prefix="hooks-bench-", dir=_MEMORY if _MEMORY.is_dir() else None
        ) as requests,
        on_cores(REST),
        Valkey(append_only=True) as valkey,
        closing(Site(Path(folder), Path(requests), valkey)) as made,
    ):
        yield made
