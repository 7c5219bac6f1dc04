import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.load.dialect import chaozcode
from benchmarks.load.payload import PayloadMaker
from benchmarks.load.request_file import RequestFile, write_requests
from benchmarks.load.wrk import run_wrk

pytestmark = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk comes with `make bench`")
NUMBER = 20


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass


@contextmanager
def door() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def requests(tmp_path: Path) -> RequestFile:
    return write_requests(tmp_path / "requests", PayloadMaker("run", size=300), chaozcode, number=NUMBER)


def test_requests_that_are_used_up_are_told(requests: RequestFile) -> None:
    with door() as port:
        found = run_wrk(port, requests, connections=2, seconds=1)
    assert found.exhausted > 0
    assert found.answers <= found.sent - found.exhausted == NUMBER


def test_requests_are_sent_again_where_that_is_asked_for(requests: RequestFile) -> None:
    with door() as port:
        found = run_wrk(port, requests, connections=2, seconds=1, again=True)
    assert (found.exhausted, found.broken, found.refused) == (0, 0, 0)
    assert found.answers > 2 * NUMBER
