import json
import socket
import traceback
from collections.abc import Iterable
from typing import Any

import httpx2
import pytest

from clients.chucky.client import Chucky
from clients.chucky.errors import (
    ChuckyStatus,
    ConcurrencyLimitReached,
    PromptFailed,
    TokenExpired,
    UserBudgetExhausted,
)
from clients.chucky.prompt_stream import PromptStream
from clients.chucky.result import AssistantMessage, Message, Result, SessionEnded
from clients.errors import ApiError, MalformedReply, StreamCut
from tests.clients.streamed import Streamed, chunk, server

from .prompted import NOW, TOKEN, USAGE, Prompted

DOCUMENTED = (
    b'event: message\ndata: {"type":"assistant","subtype":"text","text":"The capital of "}\n\n'
    b'event: message\ndata: {"type":"assistant","subtype":"text","text":"France is Paris."}\n\n'
    b'event: message\ndata: {"type":"result","subtype":"success","text":"The capital of France is Paris.",'
    b'"total_cost_usd":0.0012}\n\n'
    b'event: done\ndata: {"sessionId":"550e8400-e29b-41d4-a716-446655440000"}\n\n'
)
SAID = b'data: {"type":"assistant","text":"Par"}\n\n'
DONE = b'event: done\ndata: {"sessionId":"s"}\n\n'


def ask(reply: Streamed) -> PromptStream:
    return Chucky(TOKEN, longest_wait_seconds=0, transport=reply.transport, now=lambda: NOW).stream("Hi")


def outcome(pieces: Iterable[bytes]) -> tuple[Streamed, PromptStream, ApiError]:
    reply = Streamed(pieces)
    with ask(reply) as stream, pytest.raises(ApiError) as raised:
        list(stream)
    assert reply.is_closed
    return reply, stream, raised.value


def test_the_documented_stream_gives_its_messages_and_then_the_session() -> None:
    reply = Streamed([DOCUMENTED])
    with ask(reply) as stream:
        messages = list(stream)
    assert [type(message) for message in messages] == [
        AssistantMessage,
        AssistantMessage,
        Result,
        SessionEnded,
    ]
    assert messages[0].text == "The capital of "
    assert stream.text == "The capital of France is Paris."
    assert stream.result is messages[2]
    assert stream.result.total_cost_usd == 0.0012
    assert stream.session_id == "550e8400-e29b-41d4-a716-446655440000"
    assert stream.received == tuple(messages)
    (request,) = reply.requests
    assert (request.method, request.url.path) == ("POST", "/prompt")
    assert request.headers["Accept"] == "text/event-stream"
    assert json.loads(request.content) == {"message": "Hi", "options": {"token": TOKEN}}
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("size", [1, 3, 64])
def test_any_chunking_gives_the_same(size: int) -> None:
    odd = b"\xef\xbb\xbf" + DOCUMENTED.replace(b"\n", b"\r")
    with ask(Streamed(odd[at : at + size] for at in range(0, len(odd), size))) as stream:
        assert len(list(stream)) == 4
    assert stream.text == "The capital of France is Paris."


def test_options_are_those_of_prompt() -> None:
    reply = Streamed([DOCUMENTED])
    client = Chucky(TOKEN, transport=reply.transport)
    list(client.stream("Hi", max_turns=2, allowed_tools=["Read"]))
    assert json.loads(reply.requests[0].content)["options"] == {
        "token": TOKEN,
        "maxTurns": 2,
        "allowedTools": ["Read"],
    }


def test_the_text_grows_with_what_the_assistant_says() -> None:
    with ask(Streamed([DOCUMENTED])) as stream:
        next(stream)
        assert (stream.text, stream.result, stream.session_id) == ("The capital of ", None, None)
        next(stream)
        assert stream.text == "The capital of France is Paris."


def test_messages_of_other_types_are_kept_whole() -> None:
    other = b'data: {"type":"system","subtype":"init","tools":["Read"]}\n\ndata: {"type":"user"}\n\n'
    with ask(Streamed([other, b'event: ping\ndata: {"a":1}\n\n', SAID, DONE])) as stream:
        messages = list(stream)
    assert [type(message) for message in messages] == [
        Message,
        Message,
        Message,
        AssistantMessage,
        SessionEnded,
    ]
    assert messages[0].raw["tools"] == ["Read"]
    assert messages[2].raw == {"a": 1}
    assert (stream.text, stream.session_id) == ("Par", "s")


def test_a_done_event_without_data_ends_the_stream_as_well() -> None:
    for done in (b"event: done\ndata\n\n", b"event: done\ndata: {}\n\n"):
        with ask(Streamed([SAID, done, SAID])) as stream:
            assert len(list(stream)) == 2
        assert stream.session_id is None


@pytest.mark.parametrize("pieces", [[SAID], [SAID, DONE[:-1]], [SAID, b"event: done\n\n"]])
def test_a_stream_that_ends_before_done_is_cut_and_has_what_had_arrived(pieces: list[bytes]) -> None:
    _, stream, error = outcome(pieces)
    assert isinstance(error, StreamCut)
    assert error.received == stream.received
    assert (len(error.received), error.text) == (1, "Par")


def test_a_connection_that_breaks_after_the_result_still_cuts_and_has_the_result() -> None:
    reply = Streamed([DOCUMENTED[: DOCUMENTED.index(b"event: done")]], fails=httpx2.ReadError("reset"))
    with ask(reply) as stream, pytest.raises(StreamCut) as raised:
        list(stream)
    assert raised.value.text == "The capital of France is Paris."
    assert stream.result is not None
    assert len(reply.requests) == 1


def test_a_result_that_is_no_success_is_an_error_in_the_stream_too() -> None:
    failed = b'data: {"type":"result","subtype":"error_max_turns","total_cost_usd":0.2}\n\n'
    _, stream, error = outcome([SAID, failed, DONE])
    assert isinstance(error, PromptFailed)
    assert (error.subtype, error.result.total_cost_usd) == ("error_max_turns", 0.2)
    assert stream.result is error.result
    assert stream.text == "Par"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (b'event: error\ndata: {"error":"concurrent_limit_reached","active":5}', ConcurrencyLimitReached),
        (b'data: {"error":"overloaded"}', ChuckyStatus),
        (b'data: {"type":"error","message":"overloaded"}', ChuckyStatus),
        (b"event: error\ndata: {}", ChuckyStatus),
        (b"event: error\ndata:", ChuckyStatus),
        (b"event: error\ndata: overloaded", ChuckyStatus),
        (b'event: error\ndata: {"type":["error"],"error":"overloaded"}', ChuckyStatus),
        (b'data: {"error":{"message":"overloaded"}}', ChuckyStatus),
    ],
)
def test_an_error_event_is_an_error(event: bytes, kind: type[ApiError]) -> None:
    _, _, error = outcome([SAID, event + b"\n\n", DONE])
    assert type(error) is kind
    assert not error.permanent


@pytest.mark.parametrize("data", [b"{oops", b"[1]", b"null"])
def test_an_event_that_is_no_json_object_is_refused(data: bytes) -> None:
    _, stream, error = outcome([SAID, b"data: " + data + b"\n\n", DONE])
    assert type(error) is MalformedReply
    assert len(stream.received) == 1


def test_a_reply_of_another_type_is_malformed(api: Prompted) -> None:
    with pytest.raises(MalformedReply, match="event stream"), api.client.stream("Hi"):
        raise AssertionError("not reached")


def test_an_error_reply_is_raised_on_entering(api: Prompted) -> None:
    api.prompt_status, api.prompt = 401, {"error": "Token expired"}
    with pytest.raises(TokenExpired), api.client.stream("Hi"):
        raise AssertionError("not reached")


def test_a_budgets_error_names_when_its_window_ends_in_a_stream_too(api: Prompted) -> None:
    api.prompt_status, api.prompt = 429, {"error": "user_budget_exhausted"}
    with pytest.raises(UserBudgetExhausted) as raised, api.client.stream("Hi"):
        raise AssertionError("not reached")
    assert raised.value.retry_after == 9 * 3600
    api.prompt_status, api.content_type = 200, "text/event-stream"
    api.prompt = SAID + b'event: error\ndata: {"error":"user_budget_exhausted"}\n\n'
    api.usage = {**USAGE, "window": "lifetime"}
    with api.client.stream("Hi") as stream, pytest.raises(UserBudgetExhausted) as raised:
        list(stream)
    assert raised.value.permanent
    assert api.paths == ["/prompt", "/usage"] * 2


def test_a_stream_that_is_not_read_is_not_asked_for() -> None:
    reply = Streamed([DOCUMENTED])
    ask(reply)
    assert reply.requests == []


@pytest.mark.parametrize("event", ["delta", "error", "failed result"])
def test_the_token_that_a_server_echoes_is_in_no_error_and_in_no_message(event: str) -> None:
    documents: dict[str, Any] = {
        "delta": {"type": "assistant", "text": f"your token is {TOKEN}"},
        "error": {"type": "error", "message": TOKEN},
        "failed result": {"type": "result", "subtype": "error", "text": TOKEN},
    }
    data = f"data: {json.dumps(documents[event])}\n\n".encode()
    _, stream, error = outcome([data[:30], data[30:60], data[60:]])
    assert TOKEN not in repr(stream.received) + repr(error) + repr(vars(error)) + stream.text
    assert TOKEN not in "".join(traceback.format_exception(error))


def test_a_server_that_cuts_anywhere_is_read_over_a_socket() -> None:
    wire = b"".join(chunk(DOCUMENTED[at : at + 3]) for at in range(0, len(DOCUMENTED), 3)) + chunk(b"")

    def answer(connection: socket.socket) -> None:
        for at in range(0, len(wire), 7):
            connection.sendall(wire[at : at + 7])

    with server(answer) as url, Chucky(TOKEN, base_url=url) as client, client.stream("Hi") as stream:
        assert len(list(stream)) == 4
    assert stream.session_id == "550e8400-e29b-41d4-a716-446655440000"


def test_a_server_that_drops_the_connection_in_mid_stream_cuts_it() -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(chunk(SAID) + b"ff\r\nevent: mess")

    with (
        server(answer) as url,
        Chucky(TOKEN, base_url=url) as client,
        client.stream("Hi") as stream,
        pytest.raises(StreamCut) as raised,
    ):
        list(stream)
    assert raised.value.text == "Par"
