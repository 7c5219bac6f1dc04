"""Runs `hooks up` in a folder of its own, hears what it prints, and sees that nothing of it is left."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.servers.waiting import wait_until

ROOT = Path(__file__).parents[2]
_START_SECONDS = 60
_STOP_SECONDS = 45


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Give an environment for commands in a folder: no settings but these, our packages on the path."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return {**kept, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "PYTHONUNBUFFERED": "1", **variables}


class Up:
    """A `hooks up` and the commands beside it."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.sandbox_port = free_port()
        ports = {"PORT": str(self.port), "HOOKS_SANDBOX_PORT": str(self.sandbox_port)}
        self.environment = environment(folder, **{**ports, **variables})
        self.arguments: tuple[str, ...] = ()
        self.with_sandbox = False
        self.lines: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._everyone: set[psutil.Process] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks/chaozcode"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def launch(self) -> None:
        """Start it, without waiting for it to be up."""
        self.lines = []
        without = () if self.with_sandbox else ("--no-sandbox",)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "console", "up", *self.arguments, *without],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def start(self) -> None:
        self.launch()
        wait_until(lambda: self.says("chaozcode-hooks is up.") or self._fail_when_ended(), _START_SECONDS)
        self.processes()

    def _fail_when_ended(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.printed()
        return False

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))

    def printed(self) -> str:
        return "\n".join(self.lines)

    def says(self, *words: str) -> bool:
        """Tell whether a printed line holds all of these words."""
        return any(all(word in line for word in words) for line in self.lines)

    def wait_for(self, *words: str, seconds: float = 30) -> None:
        try:
            wait_until(lambda: self.says(*words), seconds)
        except AssertionError as error:
            raise AssertionError(f"no line with {words} in:\n{self.printed()}") from error

    def hooks(self, *arguments: str, code: int = 0) -> str:
        """Run another `hooks` command in the folder; gives its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "console", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def processes(self) -> list[psutil.Process]:
        """Find all processes that live under it."""
        try:
            found = psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            found = []
        self._everyone |= set(found)
        return found

    def find(self, words: str) -> psutil.Process:
        """Find the process with these words in its command line; the program, not its guard."""
        found = wait_until(lambda: [each for each in self.processes() if _is(each, words)], 15)
        return found[0]

    def interrupt(self) -> int:
        """Press Ctrl-C; gives the exit code."""
        self.processes()
        assert self._process is not None
        self._process.send_signal(2)
        return self._process.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """Kill it, and nothing else."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def wait(self) -> int:
        """Wait for its end; gives the exit code."""
        assert self._process is not None
        return self._process.wait(_STOP_SECONDS)

    def left_over(self) -> list[psutil.Process]:
        """Give those of its processes that still run."""
        return [process for process in self._everyone if _runs(process)]

    def clean_up(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.processes()
            self._process.kill()
            self._process.wait()
        for process in self.left_over():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue


def _is(process: psutil.Process, words: str) -> bool:
    try:
        command = " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    return words in command and "guard.py" not in command


@contextmanager
def up(folder: Path, **variables: str) -> Iterator[Up]:
    """Give a `hooks up` that is not started yet, and end all of it afterwards."""
    running = Up(folder, **variables)
    try:
        yield running
    finally:
        running.clean_up()


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != "zombie"
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False
