"""Runs one server program in a folder of its own, and sees that neither outlives pytest."""

import pwd
import signal
import subprocess
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

# Waits for the end of its input, which comes with close() and with any death of pytest, kill -9 included; a
# PDEATHSIG would follow the thread that started the server, and is not there on macOS.
_UNDERTAKER = """
cat >/dev/null
if pid=$(cat "$1/pid" 2>/dev/null); then
    kill -s "$2" "$pid"
    tries=0
    while kill -0 "$pid" && [ $((tries += 1)) -le 50 ]; do sleep 0.1; done
fi 2>/dev/null
rm -rf "$1"
"""


# A socket's path may have about 100 bytes, and another user has to reach it.
_USUAL_PARENT = Path("/tmp")


class ServerProcess:
    """A server program that tests start, stop, kill and pause; its folder lasts until `close`."""

    def __init__(
        self, name: str, *, stop_signal: signal.Signals, user: str | None = None, parent: Path | None = None
    ) -> None:
        self.folder = Path(mkdtemp(prefix=f"hooks-{name}-", dir=parent or _USUAL_PARENT))
        self.log_file = self.folder / "log"
        self._stop_signal = stop_signal
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        self._undertaker = subprocess.Popen(
            ["/bin/sh", "-c", _UNDERTAKER, "undertaker", self.folder, stop_signal.name.removeprefix("SIG")],
            stdin=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C for pytest is not for it
        )

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self, *command: str | Path) -> None:
        """Start the program; that it is ready is for the caller to find out."""
        if self.is_running():
            raise RuntimeError(f"{command[0]} runs already in {self.folder}")
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **running_as(self._user),
            )
        self._pid_file.write_text(str(self._process.pid))

    def stop(self) -> None:
        """Ask the program to end, and wait for it."""
        self._end(self._stop_signal)

    def kill(self) -> None:
        """End the program with SIGKILL, as a crash or the OOM killer would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let the program hang: connections open, answers stay away."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused program go on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop the program and remove its folder."""
        self.stop()
        if self._undertaker.stdin:
            self._undertaker.stdin.close()
        self._undertaker.wait(timeout=10)

    def last_words(self) -> str:
        """Return the end of the program's log, for a failure's message."""
        return self.log_file.read_text(errors="replace")[-2000:] if self.log_file.exists() else ""

    @property
    def _pid_file(self) -> Path:
        return self.folder / "pid"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"no server runs in {self.folder}")
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.send_signal(signal.SIGCONT)  # a paused one would not hear the first
        self._process.wait(timeout=10)
        self._process = None
        self._pid_file.unlink(missing_ok=True)


def running_as(user: str | None) -> dict[str, Any]:
    """Return what subprocess takes to run a program as another user, and as no more than that user."""
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
