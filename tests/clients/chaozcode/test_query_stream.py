import gc
import socket
import traceback
from collections.abc import Iterable
from threading import Event

import httpx2
import pytest

from clients.chaozcode.client import ChaozCode
from clients.chaozcode.errors import (
    ChaozCodeError,
    InternalError,
    RateLimited,
    Unauthorized,
    UnexpectedStatus,
)
from clients.chaozcode.query_stream import Delta, Done, QueryStream, StreamPart, StreamStarted
from clients.errors import ApiError, MalformedReply, NotConnected, StreamCut, TransportFailed
from tests.clients.streamed import Streamed, chunk, reset, server

KEY = "cc_live_0123456789abcdef"
DOCUMENTED = (
    b'data: {"type":"start","id":"query_abc123"}\n\n'
    b'data: {"type":"delta","content":"REST "}\n\n'
    b'data: {"type":"delta","content":"and "}\n\n'
    b'data: {"type":"delta","content":"GraphQL..."}\n\n'
    b'data: {"type":"done","usage":{"totalTokens":502}}\n\n'
)
START, DELTA = b'data: {"type":"start","id":"q"}\n\n', b'data: {"type":"delta","content":"a"}\n\n'
DONE = b'data: {"type":"done"}\n\n'


def ask(reply: Streamed) -> QueryStream:
    return ChaozCode(KEY, longest_wait_seconds=0, transport=reply.transport).query.stream("Explain REST")


def outcome(pieces: Iterable[bytes]) -> tuple[Streamed, QueryStream, ApiError]:
    reply = Streamed(pieces)
    with ask(reply) as stream, pytest.raises(ApiError) as raised:
        list(stream)
    assert reply.is_closed
    return reply, stream, raised.value


def test_the_documented_stream_gives_its_parts_its_text_and_its_usage() -> None:
    reply = Streamed([DOCUMENTED])
    with ask(reply) as stream:
        parts = list(stream)
    assert [type(part) for part in parts] == [StreamStarted, Delta, Delta, Delta, Done]
    assert isinstance(parts[1], Delta)
    assert parts[1].content == "REST "
    assert (stream.id, stream.text) == ("query_abc123", "REST and GraphQL...")
    assert stream.usage is not None
    assert stream.usage.total_tokens == 502
    assert stream.received == tuple(parts)
    assert (reply.requests[0].method, reply.requests[0].url.path) == ("POST", "/v2/query/stream")
    assert reply.requests[0].headers["Accept"] == "text/event-stream"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_any_chunking_gives_the_same(size: int) -> None:
    odd = DOCUMENTED.replace(b"GraphQL", "GraphQL żółw".encode()).replace(b"\n", b"\r\n")
    pieces = [odd[at : at + size] for at in range(0, len(odd), size)]
    with ask(Streamed(pieces)) as stream:
        assert len(list(stream)) == 5
    assert stream.text == "REST and GraphQL żółw..."


def test_what_comes_after_done_is_not_waited_for() -> None:
    reply = Streamed([START, DONE, DELTA, b"nonsense\n\n"])
    with ask(reply) as stream:
        assert len(list(stream)) == 2
        assert reply.is_closed
    assert reply.taken == 2
    assert list(stream) == []


def test_a_part_is_given_as_soon_as_it_has_come() -> None:
    reply = Streamed([START, DELTA, DELTA, DONE])
    with ask(reply) as stream:
        next(stream)
        assert reply.taken == 1
        next(stream)
        assert (reply.taken, stream.text) == (2, "a")


def test_a_type_that_is_not_documented_is_kept_whole() -> None:
    with ask(Streamed([b'data: {"type":"tool","name":"x"}\n\ndata: {"content":"?"}\n\n', DONE])) as stream:
        other, untyped, _ = stream
    assert type(other) is StreamPart
    assert (other.type, other.raw) == ("tool", {"type": "tool", "name": "x"})
    assert (type(untyped), untyped.raw) == (StreamPart, {"content": "?"})
    assert stream.text == ""


def test_a_type_that_only_the_event_names_counts_too() -> None:
    with ask(Streamed([b'event: delta\ndata: {"content":"a"}\n\n', b"event: done\ndata\n\n"])) as stream:
        assert [type(part).__name__ for part in stream] == ["Delta", "Done"]
    assert stream.text == "a"


def test_fields_of_other_types_do_no_harm() -> None:
    pieces = [
        b'data: {"type":"start","id":7}\n\ndata: {"type":"delta"}\n\ndata: {"type":"delta","content":[]}\n\n'
    ]
    with ask(Streamed([*pieces, b'data: {"type":"done","usage":"much"}\n\n'])) as stream:
        list(stream)
    assert (stream.id, stream.text, stream.usage) == (None, "", None)


def test_comments_and_empty_messages_keep_the_connection_alive_and_give_nothing() -> None:
    with ask(Streamed([b": ping\n\n", START, b"data:\n\n", b":\n\n", DELTA, DONE])) as stream:
        assert len(list(stream)) == 3


@pytest.mark.parametrize("pieces", [[START, DELTA], [START, DELTA, DONE[:-1]], [START, DELTA, DONE[:-9]]])
def test_a_stream_that_ends_before_done_is_cut_and_has_what_had_arrived(pieces: list[bytes]) -> None:
    _, stream, error = outcome(pieces)
    assert isinstance(error, StreamCut)
    assert error.received == stream.received
    assert [part.type for part in error.received] == ["start", "delta"]
    assert error.text == "a"
    assert "ended before its last event, after 2 parts" in str(error)
    assert not error.permanent
    assert list(stream) == []


def test_a_connection_that_breaks_cuts_the_stream_too() -> None:
    reply = Streamed([START, DELTA], fails=httpx2.ReadError("connection reset"))
    with ask(reply) as stream, pytest.raises(StreamCut, match=r"broke off.*after 2 parts") as raised:
        list(stream)
    assert raised.value.text == "a"
    assert isinstance(raised.value.__cause__, TransportFailed)
    assert len(reply.requests) == 1


def test_an_empty_stream_is_cut_as_well() -> None:
    _, _, error = outcome([])
    assert isinstance(error, StreamCut)
    assert error.received == ()


def test_an_error_event_is_the_error_that_a_reply_would_be() -> None:
    told = b'{"type":"error","error":{"code":"RATE_LIMITED","message":"Too\\nmany","requestId":"req_1"}}'
    _, stream, error = outcome([START, b"data: " + told + b"\n\n"])
    assert isinstance(error, RateLimited)
    assert (error.status, error.code, error.request_id) == (429, "RATE_LIMITED", "req_1")
    assert str(error) == "the stream reported an error: RATE_LIMITED: Too many"
    assert len(stream.received) == 1


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        (b'event: error\ndata: {"error":{"code":"INTERNAL_ERROR"}}', InternalError, "INTERNAL_ERROR"),
        (b'data: {"type":"error","message":"overloaded"}', UnexpectedStatus, "error: overloaded"),
        (b'data: {"type":"error","error":"overloaded"}', UnexpectedStatus, "error: overloaded"),
        (b'event: error\ndata: {"type":"delta"}', UnexpectedStatus, "reported an error"),
        (
            b'data: {"error":{"code":"INTERNAL_ERROR","message":"oops"}}',
            InternalError,
            "INTERNAL_ERROR: oops",
        ),
        (b'data: {"error":"overloaded"}', UnexpectedStatus, "error: overloaded"),
        (b"event: error\ndata: overloaded", UnexpectedStatus, "error: overloaded"),
        (b"event: error\ndata: 503", UnexpectedStatus, "error: 503"),
        (b'data: {"type":"error","code":"UNAUTHORIZED","message":1}', Unauthorized, "UNAUTHORIZED"),
    ],
)
def test_an_error_event_of_any_form_is_an_error(
    event: bytes, kind: type[ChaozCodeError], message: str
) -> None:
    _, _, error = outcome([START, event + b"\n\n", DONE])
    assert type(error) is kind
    assert message in str(error)


@pytest.mark.parametrize(
    "data",
    [b"{oops", b"[DONE]", b"NaN", b'{"a":NaN}', b"[" * 100_000, b'{"type":"delta","content":"a"'],
)
def test_data_that_is_no_json_is_refused_in_clear_words(data: bytes) -> None:
    _, stream, error = outcome([START, b"data: " + data + b"\n\n", DONE])
    assert type(error) is MalformedReply
    assert "an event of the stream holds no JSON" in str(error) or "JSON object" in str(error)
    assert len(stream.received) == 1


@pytest.mark.parametrize(("data", "named"), [(b"[1]", "an array"), (b'"x"', "a string"), (b"null", "null")])
def test_data_that_is_no_object_is_refused_in_clear_words(data: bytes, named: str) -> None:
    _, _, error = outcome([b"data: " + data + b"\n\n"])
    assert type(error) is MalformedReply
    assert f"should be a JSON object, but it is {named}" in str(error)


@pytest.mark.parametrize("content_type", ["application/json", "text/html; charset=utf-8", "text/plain"])
def test_a_reply_of_another_type_is_malformed(content_type: str) -> None:
    reply = Streamed([DOCUMENTED], content_type=content_type)
    with pytest.raises(MalformedReply, match="event stream"), ask(reply):
        raise AssertionError("not reached")
    assert reply.is_closed


def test_an_error_reply_is_raised_on_entering() -> None:
    reply = Streamed(
        [b'{"error":{"code":"UNAUTHORIZED","message":"Invalid API key"}}'],
        status=401,
        content_type="application/json",
    )
    with pytest.raises(Unauthorized, match="Invalid API key"), ask(reply):
        raise AssertionError("not reached")
    assert reply.is_closed


def test_a_for_loop_alone_makes_the_call_and_closes_it() -> None:
    reply = Streamed([DOCUMENTED, b"more"])
    stream = ask(reply)
    assert reply.requests == []
    assert [part.type for part in stream] == ["start", "delta", "delta", "delta", "done"]
    assert reply.is_closed


def test_a_for_loop_that_is_left_closes_too_once_nobody_holds_the_stream() -> None:
    reply = Streamed([START, DELTA, DONE])
    gc.disable()  # a cycle would leave the connection open until some later collection
    try:
        for _ in ask(reply):
            break
        assert reply.is_closed
    finally:
        gc.enable()


def test_leaving_the_block_closes_and_what_had_come_stays() -> None:
    reply = Streamed([START, DELTA, DONE])
    with ask(reply) as stream:
        for part in stream:
            if isinstance(part, Delta):
                break
        assert not reply.is_closed
    assert reply.is_closed
    assert stream.text == "a"
    assert list(stream) == []


def test_an_error_of_the_caller_closes_too() -> None:
    reply = Streamed([START, DELTA, DONE])
    with pytest.raises(ZeroDivisionError), ask(reply):
        raise ZeroDivisionError
    assert reply.is_closed


class TimeIsUp(BaseException):
    pass


def test_a_workers_timer_that_strikes_closes_too() -> None:
    class Struck(QueryStream):
        def _take(self, part: StreamPart) -> bool:
            raise TimeIsUp

    reply = Streamed([START, DELTA, DONE])
    exchange = ChaozCode(KEY, transport=reply.transport)._exchange
    stream = Struck(exchange.stream("POST", ("query", "stream"), body={}), scrub=exchange.scrub)
    with pytest.raises(TimeIsUp):
        next(stream)
    assert reply.is_closed


def test_nothing_is_repeated_once_a_byte_has_come() -> None:
    reply = Streamed([b":"], fails=httpx2.ReadError("reset"))
    client = ChaozCode(KEY, longest_wait_seconds=5, transport=reply.transport)
    with client.query.stream("x") as stream, pytest.raises(StreamCut):
        list(stream)
    assert len(reply.requests) == 1


def test_the_key_that_a_server_echoes_is_in_no_error_and_in_no_part() -> None:
    told = b'data: {"type":"delta","content":"%s"}\n\nevent: error\ndata: {"message":"bad key %s"}\n\n'
    whole = told % (KEY.encode(), KEY.encode())
    _, stream, error = outcome([whole[at : at + 5] for at in range(0, len(whole), 5)])
    assert "bad key ***" in str(error)
    assert KEY not in repr(stream.received) + stream.text + "".join(traceback.format_exception(error))
    assert KEY not in repr(stream)
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert KEY not in repr([each.f_locals for each in frames if "event_stream" in each.f_code.co_filename])


def test_a_server_that_sends_byte_by_byte_and_cuts_within_its_chunks_is_read() -> None:
    body = b"".join(chunk(bytes([byte])) for byte in b"\xef\xbb\xbf" + DOCUMENTED.replace(b"\n", b"\r"))
    wire = body + chunk(b"")

    def answer(connection: socket.socket) -> None:
        for at in range(0, len(wire), 5):
            connection.sendall(wire[at : at + 5])

    with server(answer) as url, ChaozCode(KEY, base_url=url) as client, client.query.stream("x") as stream:
        assert len(list(stream)) == 5
    assert stream.text == "REST and GraphQL..."


@pytest.mark.parametrize("how", ["reset", "closed in a chunk", "closed after a chunk", "ended in order"])
def test_a_server_that_drops_the_connection_cuts_the_stream(how: str) -> None:
    has_come = Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(chunk(START + DELTA))
        if how == "reset":
            has_come.wait(20)  # else the reset may overtake what was sent before it
            reset(connection)
        elif how == "closed in a chunk":
            connection.sendall(b"ff\r\ndata: {")
        elif how == "ended in order":
            connection.sendall(b"0\r\n\r\n")

    with server(answer) as url, ChaozCode(KEY, base_url=url) as client, client.query.stream("x") as stream:
        assert isinstance(next(stream), StreamStarted)
        assert isinstance(next(stream), Delta)
        has_come.set()
        with pytest.raises(StreamCut) as raised:
            next(stream)
    assert raised.value.text == "a"


def test_a_server_that_never_ends_is_left_at_the_deadline() -> None:
    def answer(connection: socket.socket) -> None:
        connection.settimeout(0.02)
        connection.sendall(chunk(START))
        for _ in range(1000):
            connection.sendall(chunk(b": still here\n\n"))
            try:
                if connection.recv(1) == b"":
                    return
            except TimeoutError:
                continue

    with (
        server(answer) as url,
        ChaozCode(KEY, base_url=url, timeout_seconds=1.5) as client,
        client.query.stream("x") as stream,
        pytest.raises(StreamCut),
    ):
        list(stream)
    assert len(stream.received) == 1


def test_a_server_that_is_not_there_is_no_cut_stream() -> None:
    with (
        ChaozCode(KEY, base_url="http://127.0.0.1:1", longest_wait_seconds=0) as client,
        pytest.raises(NotConnected),
        client.query.stream("x"),
    ):
        raise AssertionError("not reached")
