"""A receiver as a process of its own, behind either of its doors, and the requests that tests send to it."""

import http.client
import json
import signal
import socket
import ssl
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eventlog.database import EventLog
from eventlog.detail import EventDetail, read_detail
from eventlog.schema import upgrade
from receiver.signature import sign
from tests.servers.process import ServerProcess
from tests.servers.waiting import wait_until

ROOT: Final = Path(__file__).parents[2]
SECRET: Final = b"whsec_of_the_test"
OLDER_SECRET: Final = b"whsec_of_last_year"
LIMIT: Final = 64 * 1024
PATH: Final = "/webhooks/chaozcode"
DOORS: Final = {"flask": "tests.receiver.serve_flask", "rsgi": "console"}
SECONDS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes

    @classmethod
    def in_(cls, response: http.client.HTTPResponse) -> "Reply":
        return cls(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=response.read(),
        )

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


class RunningDoor:
    """A receiver behind one of its doors, with the log that it writes to."""

    def __init__(
        self,
        kind: str,
        *,
        database_url: str,
        redis_url: str,
        files: str = "",
        output: str = "",
        **environment: str,
    ) -> None:
        self.kind = kind
        self._limited = ["/bin/sh", "-c", f'ulimit -n {files}; exec "$@"', "sh"] if files else []
        self._led = ["/bin/sh", "-c", 'exec "$@" >"$0"', output] if output else []
        self.port = free_port()
        self.event_log = EventLog.open(database_url)
        upgrade(self.event_log)
        self._process = ServerProcess(f"door-{kind}", stop_signal=signal.SIGTERM)
        self._environment = {
            "PYTHONPATH": str(ROOT),
            "HOOKS_HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "CHAOZCODE_WEBHOOK_SECRET": f"{SECRET.decode()} {OLDER_SECRET.decode()}",
            "HOOKS_MAX_BODY_BYTES": str(LIMIT),
            **environment,
        }

    def start(self) -> None:
        variables = [f"{name}={value}" for name, value in self._environment.items()]
        self._process.launch(
            *(
                *self._limited,
                *self._led,
                "/usr/bin/env",
                "-i",
                *variables,
                sys.executable,
                "-m",
                DOORS[self.kind],
            ),
            *(["receiver"] if self.kind == "rsgi" else []),
        )
        wait_until(self._answers, SECONDS)

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.close()
        self.event_log.close()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    @property
    def folder(self) -> Path:
        """Where it runs."""
        return self._process.folder

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def log_lines(self) -> list[str]:
        return self._process.log_file.read_text(errors="replace").splitlines()

    def logged(self, *words: str) -> str:
        """Wait for a line of the log that holds all these words, and return it."""
        found: list[str] = wait_until(
            lambda: [line for line in self.log_lines() if all(word in line for word in words)]
        )
        return found[-1]

    def stored(self, event_id: str) -> EventDetail:
        """Return what the log holds of an event that must be there."""
        found = read_detail(self.event_log, event_id)
        assert found, f"{event_id} is not in the log"
        return found

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request on a connection of its own; an iterable body goes out chunked."""
        connection = self._connection()
        try:
            connection.request(method, path, body, dict(headers or {}))
            return Reply.in_(connection.getresponse())
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if (certificate := self._environment.get("HOOKS_TLS_CERT")) is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        trusting = ssl.create_default_context(cafile=certificate)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=SECONDS, context=trusting)

    def post(self, body: bytes, *, secret: bytes = SECRET, chunk: int | None = None) -> Reply:
        """Send a signed webhook, as one whole or chunked."""
        pieces = body if chunk is None else [body[at : at + chunk] for at in range(0, len(body), chunk)]
        return self.request("POST", PATH, pieces, {"X-ChaozCode-Signature": sign(body, secret)})

    def _answers(self) -> bool:
        if not self._process.is_running():
            raise RuntimeError(f"the {self.kind} door ended: {self._process.last_words()}")
        try:
            return self.request("GET", "/healthz").status == 200
        except OSError:
            return False


@contextmanager
def running_door(
    kind: str,
    *,
    database_url: str,
    redis_url: str,
    files: str = "",
    output: str = "",
    **environment: str,
) -> Iterator[RunningDoor]:
    """Run a receiver; its log must hold no traceback in the end.

    `files` is how many it may have open, `output` where its standard output goes in place of its log.
    """
    door = RunningDoor(
        kind, database_url=database_url, redis_url=redis_url, files=files, output=output, **environment
    )
    try:
        door.start()
        yield door
        door.stop()
        assert not [line for line in door.log_lines() if "Traceback" in line or "Exception" in line], (
            "\n".join(door.log_lines()[-100:])
        )
    finally:
        door.close()


def an_event(event_id: str, **fields: Any) -> bytes:
    return json.dumps({"id": event_id, "type": "memory.stored", **fields}).encode()


def an_event_of(size: int, event_id: str) -> bytes:
    """Return an event whose body has exactly this many bytes."""
    bare = len(an_event(event_id, data=""))
    body = an_event(event_id, data="x" * (size - bare))
    assert len(body) == size
    return body


def raw_request(body: bytes, *, headers: Mapping[str, str] | None = None, secret: bytes = SECRET) -> bytes:
    """Return the bytes of a signed request, of which a test may send a part."""
    lines = {
        "Host": "localhost",
        "X-ChaozCode-Signature": sign(body, secret),
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"POST {PATH} HTTP/1.1\r\n{head}\r\n".encode() + body


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side closes; a reset is a close too."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
