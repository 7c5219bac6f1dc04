"""One program of a candidate: started on its cores, paused, and ended with everything below it."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.cores import MEASURED, on_cores
from tests.servers.process import ServerProcess
from tests.servers.waiting import wait_until

_START_SECONDS = 30


class Program:
    """A running program; ends with its folder, and when the driver dies."""

    def __init__(self, name: str) -> None:
        self._process = ServerProcess(f"bench-{name}", stop_signal=signal.SIGTERM)
        self._name = name
        self.folder = self._process.folder

    def start(
        self, *command: str | Path, environment: Mapping[str, str], cores: tuple[int, ...] = (MEASURED,)
    ) -> None:
        given = [f"{name}={value}" for name, value in environment.items()]
        with on_cores(*cores):
            self._process.launch("env", *given, *command)

    def wait_until_ready(self, is_ready: Callable[[], object]) -> None:
        """Wait for what the program does when it is up; tell what it wrote where it ends instead."""

        def ready() -> object:
            if not self._process.is_running():
                raise SystemExit(f"{self._name} ended while starting:\n{self._process.last_words()}")
            return is_ready()

        try:
            wait_until(ready, _START_SECONDS, every_seconds=0.05)
        except AssertionError as error:
            raise SystemExit(f"{self._name}: {error}\n{self._process.last_words()}") from None

    def wrote(self) -> str:
        """Give all that it printed, in all of its lives."""
        log = self._process.log_file
        return log.read_text(errors="replace") if log.exists() else ""

    def pause(self) -> None:
        for process in self.everyone():
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def resume(self) -> None:
        for process in self.everyone():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def everyone(self) -> list[psutil.Process]:
        if self._process.pid is None:  # which psutil takes as this process
            return []
        try:
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """End it and everything below it by SIGKILL, at one moment; it can be started again."""
        everyone = self.everyone()
        for process in everyone:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.kill()
        wait_until(lambda: not any(map(_lives, everyone)))

    def memory_bytes(self) -> int:
        """Sum up what it and its children hold in memory (resident; shared pages count for each)."""
        total = 0
        for process in self.everyone():
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total

    def close(self) -> None:
        below = self.everyone()
        with suppress(subprocess.TimeoutExpired):
            self._process.stop()
        for process in below:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.close()


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def program(name: str) -> Iterator[Program]:
    """Give a program that is not started yet, and end it afterwards."""
    made = Program(name)
    try:
        yield made
    finally:
        made.close()
