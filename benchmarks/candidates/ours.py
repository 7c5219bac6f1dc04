"""chaozcode-hooks itself: `hooks receiver`, `hooks worker` and `hooks clock`, as users start them."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.candidates.places import environment
from benchmarks.cores import MEASURED
from benchmarks.load.dialect import SECRET
from benchmarks.program import Program, program
from benchmarks.site import Site
from eventlog.database import EventLog
from eventlog.schema import upgrade

ROOT: Final = Path(__file__).parents[2]
TITLES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
"""What our log can be on."""
KINDS: Final = {f"hooks, {title}": kind for kind, title in TITLES.items()}
"""By the names that we have in the tables."""
_CALL_SECONDS: Final = 60


class Installation:
    """One event log, and the processes of ours that work on it."""

    def __init__(self, site: Site, database_url: str, **settings: str) -> None:
        self.database_url = database_url
        self._environment = environment(
            DATABASE_URL=database_url,
            REDIS_URL=site.valkey.url,
            CHAOZCODE_WEBHOOK_SECRET=SECRET.decode(),
            HOOKS_HOST="127.0.0.1",
            HOOKS_HOME=str(site.new_folder()),
            HOOKS_HANDLERS="benchmarks.noop_handler",
            HOOKS_BUILTIN_HANDLERS="false",
            **settings,
        ) | {"PYTHONPATH": str(ROOT)}

    @contextmanager
    def run(
        self,
        command: str,
        *,
        cores: tuple[int, ...] = (MEASURED,),
        settings: Mapping[str, str] | None = None,
    ) -> Iterator[Program]:
        """Run one of our commands until the block ends; it is ready when the block begins."""
        with program(command) as it:
            self.start(it, command, cores=cores, settings=settings)
            yield it

    def call(self, *arguments: str) -> None:
        """Run one of our commands to its end, beside what is measured."""
        command = (sys.executable, "-m", "console", *arguments)
        subprocess.run(
            command, env=self._environment, check=True, timeout=_CALL_SECONDS, stdout=subprocess.DEVNULL
        )

    def start(
        self,
        it: Program,
        command: str,
        *,
        cores: tuple[int, ...] = (MEASURED,),
        settings: Mapping[str, str] | None = None,
        processes: int = 1,
    ) -> None:
        """Start one of our commands, again too; returns when so many processes of it are ready."""
        mark = f" {command}_ready "
        before = it.wrote().count(mark)
        it.start(
            *(sys.executable, "-m", "console", command),
            environment={**self._environment, **(settings or {})},
            cores=cores,
        )
        it.wait_until_ready(lambda: it.wrote().count(mark) >= before + processes)


@contextmanager
def installation(site: Site, url: str, **settings: str) -> Iterator[tuple[Installation, EventLog]]:
    """Give an installation on a database, with its log open for looking at it, and an empty queue."""
    log = EventLog.open(url)
    try:
        upgrade(log)
        site.valkey.flush()
        yield Installation(site, url, **settings), log
    finally:
        log.close()
