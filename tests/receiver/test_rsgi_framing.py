"""What the RSGI door makes of requests that lie about their end: nothing within a body is a request."""

import re
import socket
from collections.abc import Iterator
from itertools import count

import pytest

from eventlog.detail import read_detail
from tests.receiver.running_door import (
    PATH,
    RunningDoor,
    an_event,
    raw_request,
    read_all,
    running_door,
)
from tests.servers.valkey import Valkey

NUMBERS = count()
HUGE = "x" * 20_000


@pytest.fixture(scope="module")
def rsgi(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDoor]:
    if not valkey.is_running():
        valkey.start()
    url = f"sqlite:///{tmp_path_factory.mktemp('log') / 'events.db'}"
    with running_door("rsgi", database_url=url, redis_url=valkey.url, HOOKS_BODY_SECONDS="3") as running:
        yield running


def new_id() -> str:
    return f"evt_{next(NUMBERS)}"


def statuses(door: RunningDoor, sent: bytes) -> list[bytes]:
    """Send bytes on one connection, and return the statuses that came until it was closed."""
    with door.connect() as connection:
        connection.sendall(sent)
        return re.findall(rb"HTTP/1\.1 (\d{3}) ", read_all(connection))


def head(*lines: str, method: str = "POST", path: str = PATH) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode("latin-1")


def is_stored(door: RunningDoor, event_id: str) -> bool:
    return read_detail(door.event_log, event_id) is not None


@pytest.mark.parametrize(
    ("method", "path", "length", "status"),
    [
        ("POST", PATH, "10000000000", b"413"),
        ("POST", "/nothing", None, b"404"),
        ("PUT", PATH, None, b"405"),
        ("GET", "/healthz", None, b"200"),
        ("POST", PATH, None, b"401"),
    ],
)
def test_a_request_within_the_body_of_another_is_no_request(
    rsgi: RunningDoor, method: str, path: str, length: str | None, status: bytes
) -> None:
    event_id = new_id()
    within = raw_request(an_event(event_id))
    outer = head(f"Content-Length: {length or len(within)}", "Connection: close", method=method, path=path)
    assert statuses(rsgi, outer + within) == [status]
    assert not is_stored(rsgi, event_id)


def test_a_body_that_nobody_reads_ends_the_connection_when_it_has_not_come_whole(rsgi: RunningDoor) -> None:
    event_id = new_id()
    outer = head("Content-Length: 100000", path="/nothing")
    assert statuses(rsgi, outer + raw_request(an_event(event_id))) == [b"404"]
    assert not is_stored(rsgi, event_id)


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5, 6",),
        ("Content-Length: -1",),
        ("Content-Length: +5",),
        ("Content-Length: 0x5",),
        ("Content-Length: 5 5",),
        ("Content-Length: " + "9" * 30,),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: xchunked",),
        (" folded: header",),
        ("No colon",),
        ("Content-Length : 5",),
        ("X-Null: a\0b",),
    ],
)
def test_a_head_that_can_be_read_in_two_ways_is_refused_and_ends_the_connection(
    rsgi: RunningDoor, lines: tuple[str, ...]
) -> None:
    event_id = new_id()
    assert statuses(rsgi, head(*lines) + b"12345" + raw_request(an_event(event_id))) == [b"400"]
    assert not is_stored(rsgi, event_id)


@pytest.mark.parametrize(
    ("request_", "answers"),
    [
        (head(f"X-Large: {HUGE}"), {b"431"}),
        (head(*(f"X-{number}: x" for number in range(300))), {b"431"}),
        (head(path=f"/{HUGE}"), {b"414", b"431"}),
        (b"GET /healthz\r\n\r\n", {b"400"}),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", set()),
        (bytes.fromhex("16030100c8010000c40303") + b"x" * 190, {b"400"}),
        (b"\0" * 100, {b"400"}),
    ],
    ids=["large header", "many headers", "large URL", "HTTP/0.9", "HTTP/2", "TLS", "zeros"],
)
def test_what_is_too_large_or_no_http_1_ends_the_connection(
    rsgi: RunningDoor, request_: bytes, answers: set[bytes]
) -> None:
    assert set(statuses(rsgi, request_)) <= answers
    assert rsgi.post(an_event(new_id())).status == 202


@pytest.mark.parametrize("missing", [1, 1000])
def test_an_event_that_ends_before_its_content_length_is_not_taken(rsgi: RunningDoor, missing: int) -> None:
    event_id = new_id()
    body = an_event(event_id)
    with rsgi.connect() as connection:
        connection.sendall(raw_request(body, headers={"Content-Length": str(len(body) + missing)}))
        connection.shutdown(socket.SHUT_WR)
        assert b" 202 " not in read_all(connection)
    assert rsgi.post(an_event(new_id())).status == 202
    assert not is_stored(rsgi, event_id)


def test_two_hundred_requests_in_one_segment_are_each_answered(rsgi: RunningDoor) -> None:
    ask = head(method="GET", path="/healthz")
    last = head("Connection: close", method="GET", path="/healthz")
    assert statuses(rsgi, ask * 199 + last) == [b"200"] * 200


def test_a_client_that_asks_before_it_sends_the_body_is_told_to_go_on(rsgi: RunningDoor) -> None:
    event_id = new_id()
    body = an_event(event_id)
    asking = raw_request(body, headers={"Expect": "100-continue", "Connection": "close"})
    with rsgi.connect() as connection:
        connection.sendall(asking.removesuffix(body))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert b" 202 " in read_all(connection)
    assert is_stored(rsgi, event_id)


def test_chunks_with_extensions_and_trailers_are_a_body_like_any_other(rsgi: RunningDoor) -> None:
    event_id = new_id()
    body = an_event(event_id)
    framing = {"Content-Length": "", "Transfer-Encoding": "chunked", "Connection": "close"}
    request = raw_request(body, headers=framing).removesuffix(body)
    chunks = b"%x;name=value\r\n%s\r\n0\r\nX-Trailer: x\r\n\r\n" % (len(body), body)
    assert statuses(rsgi, request + chunks) == [b"202"]
    assert is_stored(rsgi, event_id)


@pytest.mark.parametrize(
    "endless",
    [b"5;" + b"x" * 100_000, b"0" * 100_000, b"0\r\n" + b"X-Trailer: x\r\n" * 10_000],
    ids=["extension", "length", "trailers"],
)
def test_chunks_whose_framing_has_no_end_end_the_connection(rsgi: RunningDoor, endless: bytes) -> None:
    event_id = new_id()
    body = an_event(event_id)
    framing = {"Content-Length": "", "Transfer-Encoding": "chunked"}
    request = raw_request(body, headers=framing).removesuffix(body)
    with rsgi.connect() as connection:
        connection.sendall(request)
        try:
            connection.sendall(endless)
        except OSError:
            return  # closed already
        assert b" 202 " not in read_all(connection)
    assert not is_stored(rsgi, event_id)
