"""Whoever should read the receiver's standard output may stop, or go away: both doors stay open."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.receiver.running_door import DOORS, PATH, RunningDoor, an_event, running_door
from tests.servers.waiting import wait_until

PIPE_BYTES = 4096
REQUESTS = 100
"""Several times as many as the pipe has room for the lines of."""


class Reader:
    """The reading end of a receiver's standard output."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.said = b""

    def read(self) -> bytes:
        """Give all that was said by now."""
        while piece := self._read_piece():
            self.said += piece
        return self.said

    def _read_piece(self) -> bytes:
        try:
            return os.read(self._end, PIPE_BYTES)
        except BlockingIOError:
            return b""

    def go_away(self) -> None:
        os.close(self._end)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "output")


@pytest.fixture(params=DOORS)
def unheard(
    request: pytest.FixtureRequest, reader: Reader, tmp_path: Path, sqlite_url: str, redis_url: str
) -> Iterator[RunningDoor]:
    output = str(tmp_path / "output")
    with running_door(request.param, database_url=sqlite_url, redis_url=redis_url, output=output) as door:
        yield door


def ask(door: RunningDoor) -> list[str]:
    """Send more than the pipe can take in lines; gives the ids of the refused."""
    refused = [door.request("POST", PATH, b"{}") for _ in range(REQUESTS)]
    assert {reply.status for reply in refused} == {401}
    assert door.post(an_event("evt_1")).status == 202
    assert door.post(an_event("evt_1")).status == 200
    assert door.request("GET", "/healthz").status == 200
    assert door.request("GET", "/readyz").status == 200
    return [reply.headers["x-request-id"] for reply in refused]


def test_while_nobody_reads_it_answers_and_tells_of_all_afterwards(
    unheard: RunningDoor, reader: Reader
) -> None:
    ids = ask(unheard)
    wait_until(lambda: b"event_duplicate" in reader.read())
    lines = [line for line in reader.said.decode().splitlines() if "request_refused" in line]
    assert [next(word for word in line.split() if "req_" in word) for line in lines] == [
        f"request_id={request_id}" for request_id in ids
    ]


def test_while_nobody_reads_it_stops_when_it_is_told_to(unheard: RunningDoor, reader: Reader) -> None:
    ask(unheard)
    unheard.stop()


def test_after_its_reader_went_away_it_goes_on(unheard: RunningDoor, reader: Reader) -> None:
    reader.go_away()
    ask(unheard)
