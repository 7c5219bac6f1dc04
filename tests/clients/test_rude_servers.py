"""Calls to real servers that do what servers should not."""
# ruff: noqa: SIM117 - first the server, then what is expected of a call

import gzip
from datetime import UTC, datetime
from email.utils import format_datetime
from time import monotonic, time

import pytest

from clients.chaozcode.errors import InternalError, RateLimited, UnexpectedStatus
from clients.errors import MalformedReply, NotConnected, Redirected, ReplyLost
from tests.clients.exchanges import KEY, exchange
from tests.clients.rude_server import Answer, drips, replies, resets, rude_server, says

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
AT_ONCE = {"longest_wait_seconds": 0}


def test_a_server_of_the_usual_kind_is_understood() -> None:
    with rude_server(replies(200, b'{"ok": true}')) as server:
        assert exchange(server.url).call("POST", ("query",), body={"prompt": "Hi"}) == {"ok": True}
    (request,) = server.requests
    assert request.startswith(b"POST /v2/query HTTP/1.1\r\n")
    assert request.endswith(b'{"prompt":"Hi"}')


def test_a_page_of_html_with_status_200_is_malformed() -> None:
    page = replies(200, b"<html><body>Please log in to the <b>wifi</b>", "Content-Type: text/html")
    with (
        rude_server(page) as server,
        pytest.raises(MalformedReply, match=r"text/html .*'Please log in to the wifi'"),
    ):
        exchange(server.url).call("GET", ("models",))


def test_an_error_page_of_a_proxy_is_told_by_its_status() -> None:
    page = replies(502, b"<html>" + b"x" * 100_000, "Content-Type: text/html")
    with rude_server(page) as server, pytest.raises(UnexpectedStatus, match=r"502 .*text/html") as raised:
        exchange(server.url, **AT_ONCE).call("GET", ("models",))
    assert len(str(raised.value)) < 300


def test_json_that_ends_early_is_malformed() -> None:
    with (
        rude_server(replies(200, b'{"models": [{"id"')) as server,
        pytest.raises(MalformedReply, match="JSON"),
    ):
        exchange(server.url).call("GET", ("models",))


def test_a_body_shorter_than_was_said_is_a_lost_reply() -> None:
    with rude_server(replies(200, b'{"ok": true}', "Content-Length: 100")) as server:
        with pytest.raises(ReplyLost, match=r"GET /models: the connection to 127\.0\.0\.1 broke"):
            exchange(server.url, **AT_ONCE).call("GET", ("models",))


def test_a_body_longer_than_was_said_is_cut_where_it_should_end() -> None:
    with rude_server(replies(200, b"{}garbage", "Content-Length: 2")) as server:
        client = exchange(server.url)
        assert [client.call("GET", ("models",)) for _ in range(2)] == [{}, {}]


def test_a_body_that_is_not_what_its_encoding_says_is_malformed() -> None:
    with rude_server(replies(200, b"{}", "Content-Encoding: gzip")) as server:
        with pytest.raises(MalformedReply, match="compression"):
            exchange(server.url).call("GET", ("models",))


def test_a_small_body_that_unfolds_to_a_huge_one_is_not_taken() -> None:
    bomb = gzip.compress(b" " * (33 << 20))
    with rude_server(replies(200, bomb, "Content-Encoding: gzip")) as server:
        with pytest.raises(MalformedReply, match="larger than 32 MiB"):
            exchange(server.url).call("GET", ("models",))


@pytest.mark.parametrize(
    "answer",
    [
        says(),
        says(b"SSH-2.0-OpenSSH_9.9\r\n"),
        says(b"HTTP/1.1 200 OK\r\nContent-Le"),
        says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        resets(),
        resets(HEAD + b"Content-Length: 100\r\n\r\n{"),
    ],
)
def test_what_is_no_reply_or_breaks_off_is_a_lost_reply(answer: Answer) -> None:
    with (
        rude_server(answer) as server,
        pytest.raises(ReplyLost, match=r"POST /query: the connection to 127\.0\.0\.1"),
    ):
        exchange(server.url).call("POST", ("query",), body={})


def test_a_lost_reply_of_an_idempotent_call_is_asked_for_again() -> None:
    with rude_server(resets(), replies(200, b"{}")) as server:
        assert exchange(server.url).call("GET", ("models",)) == {}
    assert len(server.requests) == 2


def test_a_port_where_nobody_listens_is_not_connected() -> None:
    with rude_server(says()) as server:
        url = server.url
    with pytest.raises(NotConnected, match=r"POST /query: 127\.0\.0\.1 can't be reached: .*refused"):
        exchange(url, **AT_ONCE).call("POST", ("query",))


def test_a_server_without_tls_where_it_should_have_it_is_not_connected() -> None:
    with rude_server(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        with pytest.raises(NotConnected, match="can't be reached"):
            exchange(server.url.replace("http:", "https:"), **AT_ONCE).call("POST", ("query",))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_key_follows_a_redirect(status: int) -> None:
    with rude_server(replies(200, b"{}")) as elsewhere:
        away = replies(status, b"", f"Location: {elsewhere.url.replace('127.0.0.1', 'localhost')}/models")
        with rude_server(away) as server, pytest.raises(Redirected, match="localhost") as raised:
            exchange(server.url).call("GET", ("models",))
    assert not elsewhere.requests[:-1]  # the last is the server's own end
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_an_api_on_this_machine_is_not_looked_for_behind_a_proxy(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rude_server(replies(200, b'{"from": "proxy"}')) as proxy, rude_server(replies(200, b"{}")) as server:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        assert exchange(server.url).call("GET", ("models",)) == {}
        assert not proxy.requests
        assert exchange("http://api.test").call("GET", ("models",)) == {"from": "proxy"}


@pytest.mark.parametrize(
    ("start", "piece", "error"),
    [
        (b"", b"H", ReplyLost),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", ReplyLost),
        (HEAD + b"Content-Length: 1000\r\n\r\n", b" ", ReplyLost),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", ReplyLost),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1", ReplyLost),
        (b"HTTP/1.1 500 Whatever\r\nContent-Length: 1000\r\n\r\n", b" ", InternalError),
    ],
    ids=["status line", "headers", "body", "chunks", "chunk length", "error's body"],
)
def test_a_reply_that_drips_ends_with_the_time_of_the_call(
    start: bytes, piece: bytes, error: type[Exception]
) -> None:
    began = monotonic()
    with rude_server(drips(start, piece, every_seconds=0.04, for_seconds=20)) as server:
        with pytest.raises(error):
            exchange(server.url, timeout_seconds=0.2, **AT_ONCE).call("POST", ("query",), body={})
    assert monotonic() - began < 10


def test_a_stream_that_drips_ends_with_the_time_of_the_call() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    came: list[bytes] = []
    with rude_server(drips(head, b"data: 1\n\n", every_seconds=0.04, for_seconds=20)) as server:
        with exchange(server.url, timeout_seconds=0.3).stream("POST", ("query",)) as pieces:
            with pytest.raises(ReplyLost):
                came.extend(pieces)
    assert came


def test_a_server_that_never_answers_ends_with_the_time_of_the_call() -> None:
    with rude_server(drips(b"", b"", every_seconds=0.3, for_seconds=0.3)) as server:
        with pytest.raises(ReplyLost, match=r"POST /query: no whole reply came from 127\.0\.0\.1 in time"):
            exchange(server.url, timeout_seconds=0.1).call("POST", ("query",))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["X-RateLimit-RetryAfter: 40"], 40),
        (["Retry-After: 40"], 40),
        (["Retry-After: {date}"], 40),
        (["X-RateLimit-Reset: {epoch}"], 40),
        (["X-RateLimit-Reset: {epoch}000"], 40),
        (["x-ratelimit-retryafter: soon", "Retry-After: -1", "X-RateLimit-Reset: 1"], 1),
        ([], 60),
    ],
)
def test_a_429_names_its_time_in_any_of_its_headers(headers: list[str], seconds: float) -> None:
    then = time() + 40
    at = {"date": format_datetime(datetime.fromtimestamp(then, UTC), usegmt=True), "epoch": int(then)}
    headers = [header.format(**at) for header in headers]
    body = b'{"error": {"code": "RATE_LIMITED", "message": "slow down"}}'
    with rude_server(replies(429, body, *headers)) as server, pytest.raises(RateLimited) as raised:
        exchange(server.url, **AT_ONCE).call("GET", ("models",))
    assert raised.value.retry_after == pytest.approx(seconds, abs=15)
    assert len(server.requests) == 1


def test_a_429_whose_body_never_comes_is_still_a_429() -> None:
    cut = replies(429, b"{", "Content-Length: 100", "Retry-After: 9")
    with rude_server(cut) as server, pytest.raises(RateLimited) as raised:
        exchange(server.url, **AT_ONCE).call("GET", ("models",))
    assert raised.value.retry_after == 9
