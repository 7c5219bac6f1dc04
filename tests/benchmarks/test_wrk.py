import sys
from pathlib import Path

import pytest

from benchmarks.load.dialect import chaozcode
from benchmarks.load.payload import PayloadMaker
from benchmarks.load.request_file import RequestFile, write_requests
from benchmarks.load.wrk import run_wrk
from tests.benchmarks.http_door import http_door

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="benchmarks are for Linux alone")
NUMBER = 20


@pytest.fixture
def requests(tmp_path: Path) -> RequestFile:
    return write_requests(tmp_path / "requests", PayloadMaker("run", size=300), chaozcode, number=NUMBER)


def test_requests_that_are_used_up_are_told(requests: RequestFile) -> None:
    with http_door() as door:
        found = run_wrk(door.server_port, requests, connections=2, seconds=1)
    assert found.exhausted > 0
    assert found.answers <= found.sent - found.exhausted == NUMBER


def test_requests_are_sent_again_where_that_is_asked_for(requests: RequestFile) -> None:
    with http_door() as door:
        found = run_wrk(door.server_port, requests, connections=2, seconds=1, again=True)
    assert (found.exhausted, found.broken, found.refused) == (0, 0, 0)
    assert found.answers > 2 * NUMBER
