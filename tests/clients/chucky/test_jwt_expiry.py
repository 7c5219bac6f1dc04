import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from clients.chucky.client import Chucky
from clients.chucky.jwt_expiry import expiry
from clients.errors import InvalidCall

from .prompted import NOW, Prompted, a_token


def a_new_token(**claims: Any) -> str:
    """Warnings are once for each token in a process, so each test has its own."""
    return a_token(jti=uuid4().hex, **claims)


def encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def test_the_time_is_read_without_a_look_at_the_signature() -> None:
    assert expiry(a_token(exp=1768489200)) == datetime(2026, 1, 15, 15, tzinfo=UTC)
    assert expiry(a_token(exp=1768489200.5, sub="ż" * 7)) == datetime(2026, 1, 15, 15, 0, 0, 500000, UTC)


@pytest.mark.parametrize(
    "claims",
    [
        *(b"", b"[]", b"7", b"{}", b"{", b"\xff", b"[" * 30_000),
        *(b'{"exp": "soon"}', b'{"exp": true}', b'{"exp": null}', b'{"exp": NaN}', b'{"exp": -1e30}'),
        *(b'{"exp": 1e400}', b'{"exp": ' + b"9" * 30 + b"}", b'{"exp": ' + b"9" * 5000 + b"}"),
    ],
)
def test_a_token_without_a_usable_time_has_none(claims: bytes) -> None:
    assert expiry(f"e30.{encoded(claims)}.c2ln") is None


@pytest.mark.parametrize(
    "token", ["", "opaque", "a.b", "a.b.c.d", "..", "a.!!!.c", "a." + "A" * 100_000 + ".c"]
)
def test_what_is_no_jwt_has_none(token: str) -> None:
    assert expiry(token) is None


@pytest.mark.parametrize(
    ("left", "event"),
    [
        (timedelta(hours=2), None),
        (timedelta(minutes=59), "chucky_token_expires_soon"),
        (timedelta(0), "chucky_token_expired"),
        (-timedelta(days=1), "chucky_token_expired"),
    ],
)
def test_a_token_is_warned_about_once_when_it_is_about_to_expire(
    api: Prompted, left: timedelta, event: str | None
) -> None:
    api.token = a_new_token(exp=(NOW + left).timestamp())
    with capture_logs() as logs:
        for _ in range(2):
            api.client.prompt("Hi")
            api.client.usage()
            list(client_stream(api))
    assert [(log["event"], log["log_level"]) for log in logs] == (
        [] if event is None else [(event, "warning")]
    )
    assert all(part not in repr(logs) for part in (api.token, *api.token.split(".")))
    assert api.paths == ["/prompt", "/usage", "/prompt"] * 2


def client_stream(api: Prompted) -> list[object]:
    reply, api.prompt, api.content_type = api.prompt, b"event: done\ndata: {}\n\n", "text/event-stream"
    try:
        return list(api.client.stream("Hi"))
    finally:
        api.prompt, api.content_type = reply, "application/json"


def test_each_token_is_warned_about() -> None:
    with capture_logs() as logs:
        for _ in range(2):
            Prompted(token=a_new_token(exp=NOW.timestamp())).client.usage()
    assert len(logs) == 2


def test_a_client_that_lives_long_warns_when_the_time_comes(api: Prompted) -> None:
    at = [NOW]
    client = Chucky(
        a_new_token(exp=(NOW + timedelta(days=1)).timestamp()),
        transport=api.client._exchange._http._transport,
        now=lambda: at[0],
    )
    with capture_logs() as logs:
        client.usage()
        assert logs == []
        at[0] += timedelta(hours=23, minutes=30)
        client.usage()
    assert [log["event"] for log in logs] == ["chucky_token_expires_soon"]
    assert logs[0]["expires_at"] == "2026-01-15T15:00:00+00:00"


@pytest.mark.parametrize("token", ["", "two words", "ą.b.c", "a\n.b.c", " a.b.c"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(InvalidCall, match="the token must be one word") as raised:
        Chucky(token)
    assert not token or token not in str(raised.value)


def test_the_token_is_in_no_repr(api: Prompted) -> None:
    client = api.client
    shown = repr(client) + repr(client._exchange) + repr(client.stream("Hi")) + str(client)
    assert all(part not in shown for part in api.token.split("."))
    assert "conjure.chucky.cloud" in repr(client)


def test_the_claims_of_the_test_are_read_back() -> None:
    token = a_token(exp=1)
    payload = token.split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "==")) == {"exp": 1}
