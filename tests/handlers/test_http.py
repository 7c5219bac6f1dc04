import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

import httpx2
import pytest

from handlers import Context, Event, Router
from handlers.http import AttemptHttp, HttpMisused
from handlers.http_client import AskedToWait, UnwantedStatus, make_client, redacted
from handlers.http_record import RecordingTransport
from handlers.testing import Dead, Retried, Succeeded, make_event, run


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Asked(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answering(status: int, **headers: str) -> httpx2.MockTransport:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.MockTransport(lambda _request: httpx2.Response(status, headers=named, json={"a": 1}))


def client(transport: httpx2.BaseTransport | None = None, *, seconds: float = 30) -> httpx2.Client:
    return AttemptHttp(seconds=seconds, transport=transport).client()


def test_a_request_is_sent_with_our_name_and_the_answer_read() -> None:
    seen: list[dict[str, str]] = []

    def answer(asked: BaseHTTPRequestHandler) -> None:
        seen.append(dict(asked.headers))
        asked.send_response(200)
        asked.send_header("Set-Cookie", "who=evt_1")
        asked.end_headers()
        asked.wfile.write(b'{"ok": true}')

    with serving(answer) as url:
        for _ in range(2):
            http = AttemptHttp(seconds=30)
            assert http.client() is http.client()
            assert http.client().get(url).raise_for_status().json() == {"ok": True}
            http.close()
            http.close()
    assert seen[0]["User-Agent"].startswith("chaozcode-hooks")
    assert not any("Cookie" in headers for headers in seen)


def test_an_attempts_client_is_closed_with_it() -> None:
    http = AttemptHttp(seconds=30)
    kept = http.client()
    http.close()
    with pytest.raises(RuntimeError, match="closed"):
        kept.get("http://127.0.0.1:9")


def test_a_handler_that_sends_nothing_does_not_load_the_client() -> None:
    code = "import sys, handlers, handlers.http, workers.delivery; print('httpx2' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


@pytest.mark.parametrize("asked", [{}, {"timeout": None}, {"timeout": 60}])
def test_no_request_lasts_longer_than_the_attempt(asked: dict[str, Any]) -> None:
    over = threading.Event()

    def answer(_asked: BaseHTTPRequestHandler) -> None:
        over.wait(60)

    with serving(answer) as url:
        began = monotonic()
        with pytest.raises(httpx2.ReadTimeout):
            client(seconds=0.7).get(url, **asked)
        took = monotonic() - began
        over.set()
    assert took < 15


def test_the_time_left_bounds_each_request_and_a_shorter_time_of_the_users_holds() -> None:
    seen: list[dict[str, float]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.extensions["timeout"])
        return httpx2.Response(200)

    left = iter([30.0, 10.0, 3.0, -1.0])
    bounded = make_client(lambda: next(left), httpx2.MockTransport(answer))
    for timeout in (httpx2.USE_CLIENT_DEFAULT, None, 1.5, 60):
        bounded.get("https://a.example", timeout=timeout)
    assert seen == [
        {"connect": 5.0, "read": 20.0, "write": 20.0, "pool": 20.0},
        dict.fromkeys(("connect", "read", "write", "pool"), 9.8),
        dict.fromkeys(("connect", "read", "write", "pool"), 1.5),
        dict.fromkeys(("connect", "read", "write", "pool"), 0.05),
    ]


def test_redirects_are_not_followed_unless_asked_for() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/old":
            return httpx2.Response(302, headers={"Location": "/new"})
        return httpx2.Response(200, json="there")

    asking = client(httpx2.MockTransport(answer))
    with pytest.raises(UnwantedStatus, match="302 Found"):
        asking.get("https://a.example/old").raise_for_status()
    assert asking.get("https://a.example/old", follow_redirects=True).json() == "there"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("7", 7),
        ("0", 1),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1),
        (None, 3600),
    ],
)
def test_retry_after_says_when_the_handler_is_called_again(
    status: int, given: str | None, seconds: float
) -> None:
    if given is None:
        given = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    answer = client(answering(status, Retry_After=given)).get("https://a.example/x?key=secret")
    with pytest.raises(AskedToWait) as told:
        answer.raise_for_status()
    assert told.value.retry_after == pytest.approx(seconds, abs=120 if seconds > 100 else 0)
    assert isinstance(told.value, httpx2.HTTPStatusError)
    assert told.value.response.json() == {"a": 1}
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("given", ["", "soon", "-5", "1.5", "99999999999", "\N{SUPERSCRIPT TWO}"])
def test_a_retry_after_that_makes_no_sense_is_none(given: str) -> None:
    answered = httpx2.Response(429, headers=[(b"Retry-After", given.encode())])
    answer = client(httpx2.MockTransport(lambda _request: answered)).get("https://a.example")
    with pytest.raises(UnwantedStatus) as told:
        answer.raise_for_status()
    assert not hasattr(told.value, "retry_after")


def test_retry_after_means_nothing_with_another_status() -> None:
    with pytest.raises(UnwantedStatus) as told:
        client(answering(500, Retry_After="7")).get("https://a.example").raise_for_status()
    assert not isinstance(told.value, AskedToWait)


def test_an_unwanted_status_tells_no_secret_of_the_url() -> None:
    answer = client(answering(404)).post("https://me:hush@a.example:8443/pay?key=secret&bare#part")
    with pytest.raises(UnwantedStatus) as told:
        answer.raise_for_status()
    assert str(told.value) == "POST https://a.example:8443/pay?key=***&*** answered 404 Not Found"


def test_a_streamed_answer_has_a_status_too() -> None:
    with client(answering(429, Retry_After="7")).stream("GET", "https://a.example") as answer:
        with pytest.raises(AskedToWait):
            answer.raise_for_status()
        assert json.loads(answer.read()) == {"a": 1}


def test_urls_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client(answering(200)).get("https://a.example/?key=secret")
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://a.example", "https://a.example/"),
        ("https://u:p@a.example/x/y?b=1&b=2&c=&d#e", "https://a.example/x/y?b=***&b=***&c=***&***"),
        ("http://[::1]:8000/?q=a%3Db", "http://[::1]:8000/?q=***"),
        ("https://a.example/?", "https://a.example/"),
    ],
)
def test_a_url_is_redacted(url: str, words: str) -> None:
    assert redacted(httpx2.URL(url)) == words


def test_what_would_be_sent_is_recorded_and_answered_with_an_empty_object() -> None:
    recording = RecordingTransport()
    asking = client(recording)
    assert asking.post("https://u:p@a.example/x?key=1", json={"b": 2}).raise_for_status().json() == {}
    for _ in range(150):
        asking.get("https://b.example")
    assert [(call.method, call.url) for call in recording.calls[:2]] == [
        ("POST", "https://a.example/x?key=***"),
        ("GET", "https://b.example/"),
    ]
    assert (len(recording.calls), recording.left_out) == (100, 51)


def test_a_body_that_fails_while_it_is_made_fails_the_recorded_request() -> None:
    def parts() -> Iterator[bytes]:
        yield b"a"
        raise KeyError("colour")

    with pytest.raises(KeyError):
        client(RecordingTransport()).post("https://a.example", content=parts())


router = Router()


@router.on("agent.failed")
def tell(event: Event, ctx: Context) -> None:
    ctx.http.post("https://a.example/tell", json={"id": event.id}).raise_for_status()


def test_a_handlers_requests_are_answered_by_its_test() -> None:
    event = make_event("agent.failed")
    assert run(tell, event, http=answering(200)).outcome == Succeeded()
    later = run(tell, event, http=answering(429, Retry_After="9")).outcome
    assert isinstance(later, Retried)
    assert (later.delay, later.counted) == (timedelta(seconds=9), False)


def test_a_test_sends_nothing() -> None:
    outcome = run(tell, make_event("agent.failed"), failures=5).outcome
    assert isinstance(outcome, Dead)
    assert outcome.error.error_type == f"{HttpMisused.__module__}.HttpMisused"
    assert "httpx2.MockTransport" in outcome.error.message
