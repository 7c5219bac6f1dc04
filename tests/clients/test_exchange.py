import json
import logging
from collections import UserList
from collections.abc import Iterator
from time import sleep
from types import MappingProxyType
from typing import Any

import httpx2
import pytest
import stamina

from clients.chaozcode.errors import (
    InternalError,
    NotFound,
    RateLimited,
    ServiceUnavailable,
    UnexpectedStatus,
)
from clients.errors import (
    ApiError,
    InvalidCall,
    LimitReached,
    MalformedReply,
    NotConnected,
    Redirected,
    ReplyLost,
)
from clients.rate_limit import RateLimit
from tests.clients.exchanges import KEY, answered, exchange, in_turn

OK = {"ok": True}


@pytest.fixture
def without_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


class Limit:
    """A limiter that gives these waits in turn, then none, and keeps what it is told."""

    def __init__(self, *waits: float) -> None:
        self.waits = list(waits)
        self.told: list[tuple[int | None, float | None]] = []

    def take(self) -> float:
        return self.waits.pop(0) if self.waits else 0.0

    def heed(self, rate_limit: RateLimit, *, refused_for: float | None) -> None:
        self.told.append((rate_limit.limit, refused_for))


def test_a_call_sends_json_with_the_key_and_gives_the_reply_s_json() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(201, json=OK)

    with_key = answered(answer)
    assert with_key.call("POST", ("memory", "store"), body={"id": "ä"}, query={"a": "b c"}) == OK
    (request,) = seen
    assert str(request.url) == "https://api.test/v2/memory/store?a=b+c"
    assert json.loads(request.content) == {"id": "ä"}
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["Content-Type"] == request.headers["Accept"] == "application/json"
    assert request.headers["User-Agent"].startswith("chaozcode-hooks")


def test_an_id_is_one_segment_of_the_path_whatever_is_in_it() -> None:
    client = answered(lambda request: httpx2.Response(200, json=request.url.raw_path.decode()))
    assert client.call("GET", ("memory", "a/b?c#d%2e ü")) == "/v2/memory/a%2Fb%3Fc%23d%252e%20%C3%BC"


def test_mappings_and_sequences_of_other_kinds_are_sent_as_json_has_them() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=request.content)

    body = {"metadata": MappingProxyType({"a": MappingProxyType({"b": (1, UserList([2]))})})}
    assert answered(answer).call("POST", ("query",), body=body) == {"metadata": {"a": {"b": [1, [2]]}}}


@pytest.mark.parametrize("segment", ["", ".", "..", "\udc80"])
def test_an_id_that_would_lead_elsewhere_is_refused(segment: str) -> None:
    with pytest.raises(InvalidCall, match="id"):
        answered(in_turn()).call("GET", ("memory", segment))


@pytest.mark.parametrize("body", [{"a": float("nan")}, {"a": {1}}, {"a": "\udc80"}, {("a",): 1}])
def test_what_json_cant_hold_is_refused_before_anything_is_sent(body: dict[Any, Any]) -> None:
    with pytest.raises(InvalidCall, match="JSON") as raised:
        answered(in_turn()).call("POST", ("query",), body=body)
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("reply", [httpx2.Response(204), httpx2.Response(200, content=b" \n")])
def test_an_empty_reply_is_none(reply: httpx2.Response) -> None:
    assert answered(in_turn(reply)).call("DELETE", ("memory", "a")) is None


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (b'{"ok": tr', "application/json", "application/json that can't be read as JSON: '{\"ok\": tr'"),
        (b"<html><style>b{}</style>\n<h1>Wait\n a bit</h1>", "text/html", "'Wait a bit'"),
        (b"x" * 500, "text/plain; charset=x", "text/plain that can't be read as JSON: '" + "x" * 80 + "'…"),
        (b"\xff\xfe\x00\x80", "", "a reply of no type"),
        (b"[" * 100_000, "application/json", "can't be read"),
        (b"1" * 5_000, "application/json", "can't be read"),
        (b'{"price": NaN}', "application/json", "can't be read"),
    ],
)
def test_a_reply_of_success_that_is_no_json_is_told_in_short(content: bytes, kind: str, told: str) -> None:
    reply = httpx2.Response(200, content=content, headers={"Content-Type": kind} if kind else {})
    with pytest.raises(MalformedReply) as raised:
        answered(in_turn(reply)).call("POST", ("query",))
    assert str(raised.value).startswith("POST /query answered 200 with ")
    assert told in str(raised.value)
    assert len(str(raised.value)) < 250


def test_an_error_names_the_call_the_status_and_what_the_api_said() -> None:
    reply = httpx2.Response(404, json={"error": {"code": "NOT_FOUND", "message": "no such memory"}})
    with pytest.raises(NotFound, match=r"^GET /memory/a: .*404.*no such memory"):
        answered(in_turn(reply)).call("GET", ("memory", "a"))


def test_an_html_error_page_is_an_error_of_its_status() -> None:
    page = httpx2.Response(502, html="<html><title>Bad Gateway</title></html>")
    with pytest.raises(UnexpectedStatus, match="502"):
        answered(in_turn(page), longest_wait_seconds=0).call("GET", ("models",))


def test_a_reply_that_is_too_large_is_not_read_to_its_end() -> None:
    pieces = 0

    def endless() -> Iterator[bytes]:
        nonlocal pieces
        for _ in range(100):
            pieces += 1
            yield b" " * (1 << 20)

    with pytest.raises(MalformedReply, match="larger than 32 MiB"):
        answered(in_turn(httpx2.Response(200, content=endless()))).call("GET", ("models",))
    assert pieces == 33


def test_a_transport_that_knows_no_deadlines_is_held_to_them_from_piece_to_piece() -> None:
    def slow() -> Iterator[bytes]:
        for _ in range(500):
            sleep(0.01)
            yield b" "

    with pytest.raises(ReplyLost, match="still coming when the time of the call was up"):
        answered(in_turn(httpx2.Response(200, content=slow())), timeout_seconds=0.05).call("POST", ("query",))


@pytest.mark.parametrize("location", ["https://evil.test/v2/models", "//evil.test", "http://evil.test:8080/"])
def test_a_redirect_is_not_followed_and_names_the_host(location: str) -> None:
    client = answered(in_turn(httpx2.Response(302, headers={"Location": location})))
    with pytest.raises(Redirected, match=r"302, a redirect to evil\.test,") as raised:
        client.call("GET", ("models",))
    assert raised.value.permanent


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://a.test", "a.test/v2", "https://", "https://u:p@a.test", "https://a.test?x=1"),
        f"https://{'a' * 64}.test",
    ],
)
def test_a_url_that_cant_be_the_api_s_is_refused(url: str) -> None:
    with pytest.raises(InvalidCall, match="URL"):
        exchange(url)


def test_the_figures_of_the_last_reply_can_be_read_and_are_no_wait_on_success() -> None:
    headers = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-RetryAfter": "30"}
    limit = Limit()
    client = answered(in_turn(httpx2.Response(200, json=OK, headers=headers)), limiter=limit)
    assert client.rate_limit is None
    client.call("GET", ("models",))
    assert client.rate_limit == RateLimit(limit=60, remaining=0, retry_after=30)
    assert limit.told == [(60, None)]


@pytest.mark.usefixtures("without_pauses")
def test_what_is_safe_to_repeat_is_repeated() -> None:
    replies = in_turn(httpx2.Response(500), httpx2.Response(429), httpx2.Response(200, json=OK))
    assert answered(replies, longest_wait_seconds=60, timeout_seconds=99).call("POST", ("query",)) == OK


@pytest.mark.usefixtures("without_pauses")
@pytest.mark.parametrize(
    ("method", "idempotent"), [("GET", None), ("PUT", None), ("DELETE", None), ("POST", True)]
)
@pytest.mark.parametrize("failure", [httpx2.Response(503), httpx2.ReadError("reset"), httpx2.ReadTimeout("")])
def test_what_may_have_had_an_effect_is_repeated_where_the_call_is_idempotent(
    method: str, idempotent: bool | None, failure: httpx2.Response | Exception
) -> None:
    client = answered(in_turn(failure, httpx2.Response(200, json=OK)))
    assert client.call(method, ("memory", "a"), idempotent=idempotent) == OK


@pytest.mark.usefixtures("without_pauses")
def test_a_deletion_whose_reply_was_lost_has_succeeded_when_there_is_nothing_left_to_delete() -> None:
    def gone() -> httpx2.Response:
        return httpx2.Response(404, json={"error": {"code": "NOT_FOUND", "message": "no such memory"}})

    lost = httpx2.ReadError("reset")
    assert answered(in_turn(lost, gone())).call("DELETE", ("memory", "m")) is None
    with pytest.raises(NotFound):
        answered(in_turn(gone())).call("DELETE", ("memory", "m"))
    with pytest.raises(NotFound):
        answered(in_turn(lost, gone())).call("GET", ("memory", "m"))


@pytest.mark.usefixtures("without_pauses")
@pytest.mark.parametrize(
    ("failure", "error"),
    [(httpx2.Response(503), ServiceUnavailable), (httpx2.ReadError("reset"), ReplyLost)],
)
def test_and_where_it_is_not_the_error_is_raised_at_once(
    failure: httpx2.Response | Exception, error: type[ApiError]
) -> None:
    with pytest.raises(error):
        answered(in_turn(failure)).call("POST", ("memory", "store"))


@pytest.mark.usefixtures("without_pauses")
def test_a_call_that_was_never_sent_is_repeated_and_in_the_end_tells_why() -> None:
    down = [httpx2.ConnectError("refused") for _ in range(3)]
    with pytest.raises(
        NotConnected, match=r"POST /query: api\.test can't be reached: refused; nothing was sent"
    ):
        answered(in_turn(*down)).call("POST", ("query",))


def test_a_wait_longer_than_a_call_may_make_is_raised_at_once_with_its_time() -> None:
    limit = Limit()
    busy = httpx2.Response(429, headers={"X-RateLimit-RetryAfter": "7", "X-RateLimit-Limit": "60"})
    with pytest.raises(RateLimited) as raised:
        answered(in_turn(busy), limiter=limit).call("GET", ("models",))
    assert raised.value.retry_after == 7
    assert limit.told == [(60, 7)]


def test_a_503_holds_back_nobody_else() -> None:
    limit = Limit()
    away = httpx2.Response(503, headers={"Retry-After": "7"})
    with pytest.raises(ServiceUnavailable) as raised:
        answered(in_turn(away), limiter=limit).call("GET", ("models",))
    assert raised.value.retry_after == 7
    assert limit.told == [(None, None)]


def test_a_short_wait_of_the_limiter_s_is_waited_for_and_a_long_one_raised() -> None:
    client = answered(in_turn(httpx2.Response(200, json=OK)), limiter=Limit(0.01, 0.01))
    assert client.call("GET", ("models",)) == OK
    with pytest.raises(LimitReached) as raised:
        answered(in_turn(), limiter=Limit(61)).call("GET", ("models",))
    assert raised.value.retry_after == 61


def test_a_call_without_time_is_not_sent_and_takes_nobody_s_place() -> None:
    limit = Limit(1)
    with pytest.raises(NotConnected, match="no time is left"):
        answered(in_turn(), seconds_left=lambda: -1.0, limiter=limit).call("POST", ("query",))
    assert limit.waits == [1]


def test_the_time_left_is_asked_at_each_call_and_bounds_what_is_asked_of_the_network() -> None:
    seen: list[dict[str, float]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.extensions["timeout"])
        return httpx2.Response(200, json=OK)

    left = iter([30.0, 2.0])
    client = answered(answer, timeout_seconds=40, seconds_left=lambda: next(left))
    client.call("GET", ("models",))
    client.call("GET", ("models",), timeout_seconds=100)
    assert [round(each["read"]) for each in seen] == [30, 2]
    assert [round(each["connect"]) for each in seen] == [5, 2]


def test_a_closed_client_says_so() -> None:
    client = answered(in_turn())
    client.close()
    with pytest.raises(InvalidCall, match="closed"):
        client.call("GET", ("models",))


def test_what_is_no_error_of_ours_passes_through() -> None:
    class TimeIsUp(BaseException): ...

    def strike(_request: httpx2.Request) -> httpx2.Response:
        raise TimeIsUp

    with pytest.raises(TimeIsUp):
        answered(strike).call("GET", ("models",))


def test_the_http_library_logs_no_calls(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answered(in_turn(httpx2.Response(200, json=OK))).call("GET", ("models",))
    assert not caplog.records


def stream_of(*answers: httpx2.Response | Exception, **options: Any) -> bytes:
    with answered(in_turn(*answers), **options).stream("POST", ("query", "stream"), body={}) as pieces:
        return b"".join(pieces)


def events(*pieces: bytes | Exception) -> httpx2.Response:
    def come() -> Iterator[bytes]:
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    return httpx2.Response(200, content=come(), headers={"Content-Type": "text/event-stream; charset=utf-8"})


@pytest.mark.usefixtures("without_pauses")
def test_a_stream_is_repeated_until_its_first_byte() -> None:
    busy = httpx2.Response(429, headers={"Retry-After": "2"})
    assert stream_of(busy, events(b"data: 1\n", b"\n")) == b"data: 1\n\n"


@pytest.mark.usefixtures("without_pauses")
def test_a_stream_is_never_repeated_after_its_first_byte() -> None:
    with pytest.raises(ReplyLost, match="POST /query/stream"):
        stream_of(events(b"data: 1\n", httpx2.ReadError("gone")))


@pytest.mark.usefixtures("without_pauses")
def test_a_stream_that_breaks_before_its_first_byte_was_sent_and_is_not_repeated() -> None:
    with pytest.raises(ReplyLost):
        stream_of(events(httpx2.ReadError("gone")))


def test_a_stream_of_another_type_is_refused() -> None:
    with pytest.raises(MalformedReply, match="event stream, but it is text/html"):
        stream_of(httpx2.Response(200, html="<p>"))


def test_a_stream_without_a_byte_is_empty() -> None:
    assert stream_of(events()) == b""


def test_a_stream_that_is_left_early_is_closed() -> None:
    reply = events(b"1", b"2")
    with answered(in_turn(reply)).stream("GET", ("x",)) as pieces:
        assert next(pieces) == b"1"
    assert reply.is_closed


def test_internal_errors_are_repeated_at_most_four_times() -> None:
    failures = [httpx2.Response(500) for _ in range(5)]
    with stamina.set_testing(True, attempts=100, cap=True), pytest.raises(InternalError):
        answered(in_turn(*failures)).call("POST", ("query",))
