"""What holds the calls to the descriptions does see what is wrong with one."""

import json
from typing import Any

import httpx2
import pytest
from openapi_core.exceptions import OpenAPIError

from tests.api.descriptions import CHAOZCODE, CHUCKY, Description
from tests.api.wire import HeldWire

FIGURES = {
    "X-RateLimit-Limit": "60",
    "X-RateLimit-Remaining": "45",
    "X-RateLimit-Reset": "1706652000",
    "X-RateLimit-RetryAfter": "30",
}
STORED = {"ok": True, "id": "m"}
MEMORY = {"id": "m", "content": "c"}
KEY = {"Authorization": "Bearer cc_test"}


def call(
    method: str = "POST",
    path: str = "/memory/store",
    *,
    body: object = MEMORY,
    headers: dict[str, str] = KEY,
    reply: httpx2.Response,
    described: Description = CHAOZCODE,
) -> httpx2.Response:
    wire = HeldWire(described, httpx2.MockTransport(lambda _: reply))
    with httpx2.Client(transport=wire, headers=headers) as client:
        return client.request(method, described.url + path, json=body)


def stored(**changes: Any) -> httpx2.Response:
    return httpx2.Response(**{"status_code": 201, "headers": FIGURES, "json": STORED, **changes})


def refused(status: int, code: str) -> httpx2.Response:
    error = {"code": code, "message": "no", "requestId": "req_1"}
    return httpx2.Response(status, headers=FIGURES, json={"error": error})


def test_a_call_and_a_reply_as_described_pass() -> None:
    assert call(reply=stored()).json() == STORED
    assert call(reply=refused(409, "CONFLICT")).status_code == 409
    assert call("DELETE", "/memory/m", body=None, reply=stored(status_code=204, json=None)).content == b""


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "/memory/shop"},
        {"method": "PATCH"},
        {"body": {"id": "m"}},
        {"body": MEMORY | {"importance": "huge"}},
        {"body": MEMORY | {"tags": "auth"}},
        {"body": MEMORY | {"tag": ["auth"]}},
        {"body": None},
        {"headers": {}},
    ],
    ids=str,
)
def test_a_request_that_is_not_as_described_is_found(wrong: dict[str, Any]) -> None:
    with pytest.raises(OpenAPIError):
        call(**wrong, reply=stored())


@pytest.mark.parametrize(
    "reply",
    [
        stored(status_code=200),
        stored(status_code=418),
        stored(json={"ok": "yes", "id": "m"}),
        stored(json={"ok": True}),
        stored(headers={name: value for name, value in FIGURES.items() if name != "X-RateLimit-Reset"}),
        stored(headers=FIGURES | {"X-RateLimit-Limit": "many"}),
        stored(headers=FIGURES | {"Content-Type": "text/html"}),
        refused(409, "NOT_FOUND"),
        refused(405, "NOT_FOUND"),
    ],
    ids=lambda reply: f"{reply.status_code} {reply.text} {len(reply.headers)}",
)
def test_a_reply_that_is_not_as_described_is_found(reply: httpx2.Response) -> None:
    with pytest.raises(OpenAPIError):
        call(reply=reply)


def test_a_misspelt_option_of_chuckys_is_found() -> None:
    answer = httpx2.Response(200, json={"result": {"type": "result"}, "sessionId": "s"})
    body = {"message": "Hello", "options": {"token": "t"}}
    call(path="/prompt", body=body, headers={}, reply=answer, described=CHUCKY)
    body["options"] = {"token": "t", "max_turns": 5}
    with pytest.raises(OpenAPIError):
        call(path="/prompt", body=body, headers={}, reply=answer, described=CHUCKY)


def test_events_pass_as_they_are() -> None:
    events = 'data: {"type":"done"}\n\n'
    reply = httpx2.Response(200, headers=FIGURES | {"Content-Type": "text/event-stream"}, text=events)
    assert call(path="/query/stream", body={"prompt": "p"}, reply=reply).text == events


def test_the_parameters_sent_are_remembered() -> None:
    wire = HeldWire(CHAOZCODE, httpx2.MockTransport(lambda _: stored()))
    with httpx2.Client(transport=wire, headers=KEY) as client:
        client.post(f"{CHAOZCODE.url}/memory/store", json=MEMORY)
        client.post(f"{CHAOZCODE.url}/memory/store", json=MEMORY | {"tags": []})
    assert wire.parameters_sent("POST /memory/store") == {"id", "content", "tags"}
    assert [json.loads(request.content)["id"] for request in wire.requests] == ["m", "m"]
