import codecs
import itertools
import re
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clients.errors import MalformedReply
from clients.sse import Decoder, ServerSentEvent


def decoded(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def event(data: str, event: str = "message", id: str = "") -> ServerSentEvent:  # noqa: A002
    return ServerSentEvent(event=event, data=data, id=id)


def test_an_event_is_given_at_its_empty_line() -> None:
    decoder = Decoder()
    assert list(decoder.feed(b'data: {"a":1}\n')) == []
    assert list(decoder.feed(b"\n")) == [event('{"a":1}')]


def test_several_data_lines_are_one_text() -> None:
    assert decoded(b"data: one\ndata:two\ndata:  three\ndata\n\n") == [event("one\ntwo\n three\n")]


def test_an_event_has_its_type_and_the_next_one_is_a_message_again() -> None:
    given_ = b"event: done\ndata: 1\n\ndata: 2\n\n"
    assert decoded(given_) == [event("1", "done"), event("2")]


def test_comments_and_unknown_fields_are_passed_over() -> None:
    assert decoded(b": keep-alive\n\n:\nfoo: bar\ndata: 1\n: more\nnonsense\n\n") == [event("1")]


def test_nothing_is_dispatched_without_data_and_its_type_is_forgotten() -> None:
    assert decoded(b"event: done\n\ndata: 1\n\n") == [event("1")]
    assert decoded(b"event: done\nid: 7\nretry: 1\n\n") == []


def test_an_empty_data_line_is_data() -> None:
    assert decoded(b"data\n\n") == [event("")]
    assert decoded(b"data:\ndata:\n\n") == [event("\n")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_each_kind_of_line_end_ends_a_line(end: bytes) -> None:
    stream = end.join([b"event: a", b"data: 1", b"data: 2", b"", b"data: 3", b"", b""])
    expected = [event("1\n2", "a"), event("3")]
    assert decoded(stream) == expected
    assert decoded(*(bytes([byte]) for byte in stream)) == expected


def test_a_lone_cr_at_the_end_of_a_chunk_holds_no_event_back() -> None:
    decoder = Decoder()
    assert list(decoder.feed(b"data: 1\r\r")) == [event("1")]
    assert list(decoder.feed(b"\ndata: 2\r\n\r")) == [event("2")]


def test_a_crlf_split_over_chunks_is_one_line_end() -> None:
    assert decoded(b"data: 1\r", b"\ndata: 2\r", b"", b"\n\r", b"\n") == [event("1\n2")]


def test_an_lf_after_a_split_crlf_is_an_empty_line() -> None:
    assert decoded(b"data: 1\r", b"\n", b"\n") == [event("1")]


def test_one_leading_byte_order_mark_is_dropped_and_no_other() -> None:
    mark = codecs.BOM_UTF8
    assert decoded(mark + b"data: 1\n\n") == [event("1")]
    assert decoded(mark[:1], mark[1:], b"data: 1\n\n") == [event("1")]
    assert decoded(mark + mark + b"data: 1\ndata: 2\n\n") == [event("2")]
    assert decoded(b"data: 1\n\n" + mark + b"data: 2\n\n") == [event("1")]
    assert decoded(b"data: " + mark + b"1\n\n") == [event("\ufeff1")]


def test_utf_8_split_over_chunks_is_joined() -> None:
    stream = "data: zażółć 🦊\n\n".encode()
    assert decoded(*(bytes([byte]) for byte in stream)) == [event("zażółć 🦊")]


def test_bytes_that_are_no_utf_8_are_replaced_and_end_no_stream() -> None:
    assert decoded(b"data: a\xff\xe2\x82z\n\ndata: b\n\n") == [event("a\ufffd\ufffdz"), event("b")]


def test_line_separators_of_unicode_end_no_line() -> None:
    assert decoded("data: a\u2028b\x0bc\x85d\n\n".encode()) == [event("a\u2028b\x0bc\x85d")]


def test_the_last_id_stays_and_one_with_nul_is_ignored() -> None:
    stream = b"id: 7\ndata: 1\n\ndata: 2\n\nid: 8\n\nid: 9\x00\ndata: 3\n\nid\ndata: 4\n\n"
    assert [(e.data, e.id) for e in decoded(stream)] == [("1", "7"), ("2", "7"), ("3", "8"), ("4", "")]


@pytest.mark.parametrize(
    ("line", "milliseconds"),
    [
        (b"retry: 1500", 1500),
        (b"retry:0", 0),
        (b"retry: -1", None),
        (b"retry: 1.5", None),
        (b"retry: +1", None),
        (b"retry:  1", None),
        (b"retry", None),
        ("retry: ٣".encode(), None),
        (b"retry: " + b"9" * 5000, None),
    ],
)
def test_retry_takes_digits_only(line: bytes, milliseconds: int | None) -> None:
    decoder = Decoder()
    assert list(decoder.feed(line + b"\n\n")) == []
    assert decoder.retry_milliseconds == milliseconds


def test_what_is_unfinished_at_the_end_is_no_event() -> None:
    assert decoded(b"data: 1\n\ndata: 2\n") == [event("1")]
    assert decoded(b"data: 1") == []


def test_an_event_that_is_too_long_is_refused_and_those_before_it_are_given() -> None:
    for stream in (b"data: " + b"x" * 100, b"data: xxxx\n" * 20, b": " + b"x" * 100 + b"\n"):
        for size in (1, 7, len(stream)):
            chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
            decoder = Decoder(longest_event=64)
            assert list(decoder.feed(b"data: 1\n\n")) == [event("1")]
            with pytest.raises(MalformedReply, match="longer than 64 characters"):
                list(itertools.chain.from_iterable(decoder.feed(chunk) for chunk in chunks))


def test_many_events_that_fit_are_no_long_event() -> None:
    decoder = Decoder(longest_event=64)
    assert len(list(decoder.feed(b"data: 0123456789\n\n" * 100))) == 100


def by_the_rules(stream: bytes) -> Iterator[ServerSentEvent]:
    """Follow "Parsing" and "Interpreting an event stream" of the WHATWG word by word, on the whole text."""
    text = stream.decode("utf-8", errors="replace")
    text = text[1:] if text[:1] == "\ufeff" else text
    lines = re.split("\r\n|\n|\r", text)[:-1]
    data, event_type, last_id = "", "", ""
    for line in lines:
        if line == "":
            if data == "":
                event_type = ""
                continue
            stripped = data[:-1] if data[-1] == "\n" else data
            yield ServerSentEvent(event=event_type or "message", data=stripped, id=last_id)
            data, event_type = "", ""
        elif line[0] == ":":
            continue
        else:
            field, value = line, ""
            if ":" in line:
                at = line.index(":")
                field, value = line[:at], line[at + 1 :]
                value = value[1:] if value[:1] == " " else value
            if field == "event":
                event_type = value
            elif field == "data":
                data += value + "\n"
            elif field == "id" and "\0" not in value:
                last_id = value


_PIECES = st.sampled_from(
    [
        *(b"\r", b"\n", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n"),
        *(
            b"data:",
            b"data: 1",
            b"data",
            b"data:  x:y",
            b"event: done",
            b"event",
            b"id: 7",
            b"id: \x007",
            b"id",
        ),
        *(b": comment", b":", b" ", b"retry: 5", b"foo: bar", codecs.BOM_UTF8, "ż🦊".encode()),
        *(b"\xff", b"\xe2\x82", b"\xf0\x9f", b"\xed\xa0\x80"),
    ]
)
_STREAMS = st.one_of(st.lists(_PIECES, max_size=40).map(b"".join), st.binary(max_size=60))


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


@given(_STREAMS, st.lists(st.integers(min_value=0, max_value=120), max_size=12))
@example(b"data: 1\r\n\r\ndata: 2\r\n\r\n", [8, 10, 18])
def test_any_chunking_of_any_text_gives_what_the_rules_give(stream: bytes, places: list[int]) -> None:
    expected = list(by_the_rules(stream))
    assert decoded(stream) == expected
    assert decoded(*cut(stream, places)) == expected
    assert decoded(*(bytes([byte]) for byte in stream)) == expected


@given(_STREAMS)
def test_no_event_is_given_later_than_its_last_byte(stream: bytes) -> None:
    """What the rules give for the first bytes, if they end whole characters, is given when these are fed."""
    decoder = Decoder()
    given_: list[ServerSentEvent] = []
    for end in range(1, len(stream) + 1):
        given_ += decoder.feed(stream[end - 1 : end])
        assert given_ == list(by_the_rules(stream[:end]))
