"""No error, log, repr or traceback holds the key, whatever the other side echoes of it."""

import base64
import json
import logging
import traceback
from collections.abc import Callable
from urllib.parse import quote

import httpx2
import pytest
from structlog.testing import capture_logs

from clients.errors import ApiError, InvalidCall
from tests.clients.exchanges import KEY, answered, exchange
from tests.clients.rude_server import Answer, replies, resets, rude_server, says

ECHOES = {
    "plain": KEY,
    "url-quoted": quote(KEY, safe=""),
    "json": json.dumps(KEY),
    "base64": base64.b64encode(f"Bearer {KEY}".encode()).decode(),
}
PARTS = (KEY, KEY[8:20], quote(KEY, safe=""), ECHOES["base64"][12:40])


def all_that_is_shown(error: BaseException) -> str:
    fields = "".join(f"{name}={value!r}" for name, value in vars(error).items())
    return "".join(traceback.format_exception(error)) + repr(error) + str(error.args) + fields


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
@pytest.mark.parametrize(
    "answer",
    [
        lambda echo: httpx2.Response(200, text=f"<p>{echo}"),
        lambda echo: httpx2.Response(
            200, content=b"{", headers={"Content-Type": echo, "Content-Encoding": echo}
        ),
        lambda echo: httpx2.Response(
            401, json={"error": {"code": echo, "message": echo, "details": {echo: echo}}}
        ),
        lambda echo: httpx2.Response(401, json={"error": {"message": "no", "details": {"reason": echo}}}),
        lambda echo: httpx2.Response(502, html=f"<p>{echo}", headers={"X-Echo": echo}),
        lambda echo: httpx2.Response(429, headers={"Retry-After": echo, "Content-Type": echo}),
        lambda echo: httpx2.Response(302, headers={"Location": f"https://{echo}.test/{echo}?{echo}"}),
        lambda echo: httpx2.Response(302, headers={"Location": f"https://{echo}@a.test/"}),
    ],
)
def test_what_a_server_echoes_is_struck(
    answer: Callable[[str], httpx2.Response], echo: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = answered(lambda _: answer(echo), longest_wait_seconds=0)
    with caplog.at_level(logging.DEBUG), capture_logs() as logs:
        try:
            client.call("POST", ("query",), body={"prompt": "Hi"})
        except ApiError as error:
            shown = all_that_is_shown(error)
        else:
            shown = ""
    shown += repr(client) + repr(logs) + caplog.text
    assert not [part for part in PARTS if part in shown]


@pytest.mark.parametrize(
    "answer", [says(), says(KEY.encode() + b"\r\n\r\n"), resets(), replies(200, KEY.encode())]
)
def test_what_a_connection_brings_is_struck_and_no_cause_holds_the_request(answer: Answer) -> None:
    with rude_server(answer) as server, pytest.raises(ApiError) as raised:
        exchange(server.url, longest_wait_seconds=0).call("POST", ("query",))
    assert raised.value.__cause__ is None
    assert not [part for part in PARTS if part in all_that_is_shown(raised.value)]


@pytest.mark.parametrize(
    "key", ["cc_live_secret\n", "cc_live_secret\r\nX: y", "cc_live_sécret", "cc_live_secret\x7f"]
)
def test_a_key_that_no_header_can_carry_is_refused_without_being_quoted(key: str) -> None:
    with pytest.raises(InvalidCall, match="header Authorization can't be sent") as raised:
        exchange(headers={"Authorization": f"Bearer {key}"}, secrets=(key,))
    assert "cc_live" not in all_that_is_shown(raised.value)


def test_the_repeats_that_are_logged_hold_no_key() -> None:
    refused = [
        httpx2.Response(500, json={"error": {"message": f"key {KEY}"}}),
        httpx2.Response(200, json={}),
    ]
    client = answered(lambda _: refused.pop(0), longest_wait_seconds=0.01)
    with capture_logs() as logs:
        client.call("POST", ("query",))
    assert [line["event"] for line in logs] == ["stamina.retry_scheduled"]
    assert KEY not in repr(logs)


def test_no_variable_of_ours_in_a_traceback_shows_the_token_of_a_body() -> None:
    client = answered(lambda _: httpx2.Response(401, json={}))
    with pytest.raises(ApiError) as raised:
        client.call("POST", ("prompt",), body={"message": "Hi", "options": {"token": KEY}})
    frames = [frame for frame, _ in traceback.walk_tb(raised.value.__traceback__)]
    ours = [frame.f_locals for frame in frames if frame.f_code.co_filename.endswith("exchange.py")]
    assert ours
    assert KEY not in repr(ours)


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_a_key_that_a_reply_of_success_sends_back_is_struck_as_replies_are_kept(echo: str) -> None:
    reply = answered(lambda _: httpx2.Response(200, json={"note": f"ä {echo}"})).call("GET", ("models",))
    assert reply["note"].startswith("ä ")
    assert not [part for part in PARTS if part in repr(reply)]
