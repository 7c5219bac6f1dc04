"""What candidates run on: a Valkey that writes its file every second, as `hooks up` has it, and databases."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final

import psutil
import psycopg
from redis import Redis

from benchmarks.cores import REST, on_cores
from benchmarks.load.request_shelf import RequestShelf
from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey

_MEMORY: Final = Path("/dev/shm")
_POSTGRESQL: Final = {"shared_buffers": "256MB", "max_wal_size": "2GB", "min_wal_size": "2GB"}
"""What anyone sets first on their own; the rest is as it comes: fsync and synchronous_commit are on."""
_WAL_FILES: Final = 128
"""As many as `min_wal_size` has a server keep, to write to them anew."""


class Site:
    """Servers, on the core of the load or on all; each database that is asked for is new."""

    def __init__(
        self, folder: Path, requests: RequestShelf, valkey: Valkey, cores: tuple[int, ...] = (REST,)
    ) -> None:
        self._folder = folder
        self.requests = requests
        self.valkey = valkey
        self._cores = cores
        self._numbers = count(1)
        self._postgres: PostgreSQL | None = None
        self._to_drop: list[str] = []

    @property
    def redis(self) -> Redis:
        return self.valkey.client()

    def new_folder(self) -> Path:
        made = self._folder / f"run-{next(self._numbers)}"
        made.mkdir()
        return made

    def new_database(self, kind: str, *, keep: bool = False) -> str:
        """Make an empty database, `sqlite` or `postgresql`, and give its URL.

        On PostgreSQL it is dropped when the next one is made, unless it is to be kept.
        """
        if kind == "sqlite":
            return f"sqlite:///{self.new_folder()}/events.db"
        if self._postgres is None:
            # Beside the folder, which its own user may not enter.
            self._postgres = PostgreSQL(settings=_POSTGRESQL, place=self._folder.parent)
            with on_cores(*self._cores):
                self._postgres.start()
                _fill_wal_files(self._postgres)
        for url in self._to_drop:
            self._postgres.drop_database(url)
        url = self._postgres.fresh_database()
        self._to_drop = [] if keep else [url]
        return url

    def postgresql_seconds(self) -> float:
        """Sum up the CPU time that PostgreSQL has taken, in all of its processes."""
        if self._postgres is None:
            return 0.0
        server, *others = self._postgres.processes()
        total = sum(server.cpu_times()[:4])  # with that of its children which have ended
        for other in others:
            with suppress(psutil.NoSuchProcess):
                total += sum(other.cpu_times()[:2])
        return total

    def close(self) -> None:
        if self._postgres is not None:
            self._postgres.close()


def _fill_wal_files(postgres: PostgreSQL) -> None:
    """Have a new server make the files that one in use has, as each stops it for 50 ms when made."""
    with psycopg.connect(postgres.fresh_database(), autocommit=True) as connection:
        for _ in range(_WAL_FILES):
            connection.execute("SELECT pg_logical_emit_message(true, 'hooks', ''), pg_switch_wal()")
        connection.execute("CHECKPOINT")


@contextmanager
def site(place: Path, *, cores: tuple[int, ...] = (REST,)) -> Iterator[Site]:
    """Give servers that end, and folders that go, with the block; all of them lie in `place`.

    The servers, the driver and its load run on these cores. Requests are prepared in memory: what is written
    to a disk holds up the commits there.
    """
    with (
        tempfile.TemporaryDirectory(prefix="hooks-bench-", dir=place) as folder,
        tempfile.TemporaryDirectory(
            prefix="hooks-bench-", dir=_MEMORY if _MEMORY.is_dir() else None
        ) as requests,
        on_cores(*cores),
        Valkey(append_only=True, place=place) as valkey,
        closing(Site(Path(folder), RequestShelf(Path(requests)), valkey, cores)) as made,
    ):
        yield made
