import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventlog.event import Event, UndecodableData
from receiver.admit import admit
from receiver.answer import UNSIGNED, Refusal
from receiver.signature import sign

SECRET = b"whsec_of_the_test"
NOW = datetime(2026, 1, 30, 12, 0, 1, tzinfo=UTC)
DEEP = 100_000

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def admitted(body: bytes) -> Event | Refusal:
    return admit(body, sign(body, SECRET), keys=[SECRET], now=NOW)


def event_in(body: bytes) -> Event:
    event = admitted(body)
    assert isinstance(event, Event), event
    return event


def event_of(**fields: Any) -> Event:
    return event_in(json.dumps({"id": "evt_1", "type": "memory.stored", **fields}).encode())


def refusal_of(body: bytes) -> Refusal:
    refusal = admitted(body)
    assert isinstance(refusal, Refusal), refusal
    return refusal


def test_the_documented_event_is_read_whole() -> None:
    body = (
        b'{"id": "evt_abc123", "type": "memory.stored", "createdAt": "2026-01-30T12:00:00Z", "data":'
        b' {"memoryId": "project-update", "tags": ["project", "update"], "importance": "high"}}'
    )
    assert admitted(body) == Event(
        id="evt_abc123",
        type="memory.stored",
        subject="project-update",
        created_at=datetime(2026, 1, 30, 12, tzinfo=UTC),
        received_at=NOW,
        body=body,
    )


def test_id_and_type_are_all_that_is_required() -> None:
    event = event_in(b'{"type":"a.type.nobody.knows","id":"x"}')
    assert (event.id, event.type, event.subject, event.created_at, event.data) == (
        *("x", "a.type.nobody.knows", None, None),
        {},
    )


@pytest.mark.parametrize(
    "signature", [None, "", "sha256=", "0" * 64, "nonsense", "\udcff", sign(b"", SECRET)]
)
def test_without_a_right_signature_nothing_is_read_and_the_words_are_the_same(signature: str | None) -> None:
    for body in (b'{"id": "evt_1", "type": "memory.stored"}', b"no JSON"):
        assert admit(body, signature, keys=[SECRET], now=NOW) is UNSIGNED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'["id", "type"]',
        b'"evt_1"',
        b"17",
        b"id=evt_1&type=memory.stored",
        b'{"id": "evt_1", "type": "t"',
        b'{"id": "evt_1", "type": "t"} x',
        b'{"id": "evt_1", "type": "t"}{}',
        b'{"id": "evt_1", "type": "t",}',
        b"{'id': 'evt_1', 'type': 't'}",
        b'{"id": "evt_1", "type": "t", "data": NaN}',
        b'{"id": "evt_1", "type": "t", "data": [NaN, "\\ud800"]}',
        b'{"id": "evt_1", "type": "t", "data": -Infinity}',
        b'{"id": "evt_1", "type": "t", "data": "\\x"}',
        b'{"id": "evt_1", "type": "t", "data": "line\nbreak"}',
        b'{"id": "evt\n1", "type": "t"}',
        b'\xef\xbb\xbf{"id": "evt_1", "type": "t"}',
        b'{"id": "evt_\xff", "type": "t"}',
        b'{"id": "\xed\xa0\x80", "type": "t"}',
        b'{"id": {"\xff": 1}, "type": "t"}',
        b'["\\ud800"]',
        '{"id": "evt_1", "type": "t"}'.encode("utf-16"),
        b'{"id": "evt_1", "type": "t", "data": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"id": "evt_1", "type": "t", "data": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
        b'{"id": ' + b"[" * DEEP + b"]" * DEEP + b', "type": "t"}',
        b'{"id": "\\ud800", "data": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b"[" * DEEP,
    ],
    ids=lambda body: repr(body[:45]),
)
def test_a_signed_body_that_is_no_json_object_is_refused_with_400(body: bytes) -> None:
    refusal = refusal_of(body)
    assert (refusal.status, refusal.code, refusal.details) == (400, "INVALID_REQUEST", {})
    assert refusal.message.startswith("The body is not a JSON object: ")


@pytest.mark.parametrize("name", ["id", "type"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "is missing"),
        ("null", "is missing"),
        ("17", "must be a string"),
        ("1" * 10_000, "must be a string"),
        ("1e999", "must be a string"),
        ("true", "must be a string"),
        ('["evt_1"]', "must be a string"),
        ('{"a": 1}', "must be a string"),
        ('""', "must not be empty"),
        (r'"evt\u00001"', "must not hold control characters or lone surrogates"),
        (r'"evt\n1"', "must not hold control characters or lone surrogates"),
        (r'"evt\u001b[31m1"', "must not hold control characters or lone surrogates"),
        ('"evt\x7f1"', "must not hold control characters or lone surrogates"),
        ('"evt\x851"', "must not hold control characters or lone surrogates"),
        (r'"\ud800"', "must not hold control characters or lone surrogates"),
        (r'"evt_\udc00 "', "must not hold control characters or lone surrogates"),
        (r'"\udc00\ud800"', "must not hold control characters or lone surrogates"),
        ('"' + "x" * 256 + '"', "must not be longer than 255 bytes"),
        ('"' + "é" * 128 + '"', "must not be longer than 255 bytes"),
        ('"' + "x" * 1_000_000 + '"', "must not be longer than 255 bytes"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_an_unusable_id_or_type_is_refused_with_422_that_names_it(
    name: str, value: str | None, reason: str
) -> None:
    other = "type" if name == "id" else "id"
    given_value = "" if value is None else f', "{name}": {value}'
    refusal = refusal_of(f'{{"{other}": "x"{given_value}}}'.encode())
    assert (refusal.status, refusal.code) == (422, "VALIDATION_ERROR")
    assert refusal.details == {"field": name, "reason": reason}
    assert refusal.message == f"The event's {name} {reason}."


@pytest.mark.parametrize(
    "text", ["x" * 255, "é" * 127, "\N{GRINNING FACE}" * 63, "\ufffe\U0010ffff", "a b/c?d", "\u2028"]
)
def test_any_other_text_of_at_most_255_bytes_is_an_id_and_a_type(text: str) -> None:
    for body in (
        json.dumps({"id": text, "type": text}),
        json.dumps({"id": text, "type": text}, ensure_ascii=False),
    ):
        event = event_in(body.encode())
        assert (event.id, event.type) == (text, text)


def test_of_duplicate_keys_the_last_counts() -> None:
    event = event_in(b'{"id": "first", "type": "t", "id": "last", "id": "evt_1"}')
    assert event.id == "evt_1"
    assert refusal_of(b'{"id": "evt_1", "type": "t", "id": 1}').details["field"] == "id"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\r\n", b" \t "])
def test_the_body_is_kept_byte_for_byte(end: bytes) -> None:
    body = b' {"type" :"t",\n\t"data": {"n":' + b"9" * 10_000 + b', "b": 1, "b": 2}, "id":"\\u0065vt"}' + end
    assert event_in(body).body == body


@pytest.mark.parametrize(
    "data",
    [b'"\xff"', b'{"\xff": 1}', b"9" * 10_000, b"1e999", rb'"cut within an emoji \ud83d"', rb'{"\udc00": 1}'],
)
def test_data_that_is_odd_never_refuses_an_event(data: bytes) -> None:
    body = b'{"id": "evt_1", "type": "memory.stored", "data": {"memoryId": "m1", "odd": ' + data + b"}}"
    event = event_in(body)
    assert (event.id, event.body) == ("evt_1", body)
    with suppress(UndecodableData):  # the event is kept all the same
        assert event.data["memoryId"] == event.subject == "m1"


@pytest.mark.parametrize(
    ("given_time", "read"),
    [
        ("2026-01-30T12:00:00Z", datetime(2026, 1, 30, 12, tzinfo=UTC)),
        ("2026-01-30T12:00:00.123456Z", datetime(2026, 1, 30, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-01-30T12:00:00", datetime(2026, 1, 30, 12, tzinfo=UTC)),
        ("2026-01-30T12:00:00+05:30", datetime(2026, 1, 30, 6, 30, tzinfo=UTC)),
        ("2026-01-30T12:00:00-08:00", datetime(2026, 1, 30, 20, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        ("2026-02-30T12:00:00Z", None),
        ("", None),
        ("\0", None),
        ("2026-01-30" * 10_000, None),
        (1769774400, None),
        (10**400, None),
        (None, None),
        ({"seconds": 1769774400}, None),
        ([], None),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_created_at_is_read_as_utc_and_never_refuses_an_event(given_time: Any, read: datetime | None) -> None:
    created_at = event_of(createdAt=given_time).created_at
    assert created_at == read
    assert created_at is None or created_at.utcoffset() == timedelta(0)


@given(
    st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis wants it naive
        max_value=datetime(9998, 12, 31),  # noqa: DTZ001
        timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
def test_every_instant_in_iso_form_is_read(instant: datetime) -> None:
    assert event_of(createdAt=instant.isoformat()).created_at == instant


@pytest.mark.parametrize(
    "unreadable", [b'"\xff"', b'"\xed\xa0\x80"', b"1e999"], ids=["bytes", "surrogate", "number"]
)
def test_the_subject_is_found_beside_what_cannot_be_decoded(unreadable: bytes) -> None:
    event = event_in(b'{"id":"evt_1","type":"memory.stored","data":{"x":[%b],"memoryId":"m1"}}' % unreadable)
    assert event.subject == "m1"
    with pytest.raises(UndecodableData):
        _ = event.data


@pytest.mark.parametrize(
    ("event_type", "data", "subject"),
    [
        ("memory.stored", {"memoryId": "m1", "agentId": "a1"}, "m1"),
        ("memory.a.new.one", {"memoryId": "m1"}, "m1"),
        ("agent.failed", {"memoryId": "m1", "agentId": "a1"}, "a1"),
        ("project.updated", {"projectId": "p1"}, "p1"),
        ("memory.stored", {"memoryId": "m" * 512}, "m" * 512),
        ("memory.stored", {"memoryId": "m" * 513}, None),
        ("memory.stored", {"memoryId": "é" * 257}, None),
        ("memory.stored", {"memoryId": "a\0b"}, None),
        ("memory.stored", {"memoryId": "\ud800"}, None),
        ("memory.stored", {"memoryId": ""}, None),
        ("memory.stored", {"memoryId": 17}, None),
        ("memory.stored", {"memoryId": None}, None),
        ("memory.stored", {"agentId": "a1"}, None),
        ("memory.stored", {}, None),
        ("memory.stored", None, None),
        ("memory.stored", "m1", None),
        ("memory.stored", ["m1"], None),
        ("memories.stored", {"memoryId": "m1"}, None),
        ("usage.threshold", {"memoryId": "m1"}, None),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_the_subject_is_found_where_it_is_usable(event_type: str, data: Any, subject: str | None) -> None:
    assert event_of(type=event_type, data=data).subject == subject


@given(body=st.binary(max_size=300), header=st.none() | st.text(max_size=80))
def test_no_bytes_and_no_header_make_it_raise(body: bytes, header: str | None) -> None:
    assert admit(body, header, keys=[SECRET], now=NOW) is UNSIGNED
    assert isinstance(admitted(body), Event | Refusal)


@given(id_=st.text() | JSON_VALUES, type_=st.text() | JSON_VALUES, created_at=JSON_VALUES, data=JSON_VALUES)
@example(id_="\ud800", type_="\udfff", created_at="\ud800", data="\ud83d")
def test_no_json_object_makes_it_raise_and_what_it_takes_can_be_stored(
    id_: Any, type_: Any, created_at: Any, data: Any
) -> None:
    body = json.dumps({"id": id_, "type": type_, "createdAt": created_at, "data": data}).encode()
    result = admitted(body)
    if isinstance(result, Refusal):
        assert result.details["field"] in {"id", "type"}
        return
    for text in (result.id, result.type, result.subject or "-"):
        assert 1 <= len(text.encode()) <= 512
        assert text.isprintable() or not set(text) & {chr(code) for code in (*range(32), *range(127, 160))}


@given(st.data())
def test_no_damage_to_a_body_makes_it_raise(data: st.DataObject) -> None:
    body = bytearray(b'{"id": "evt_\\u00e9", "type": "memory.stored", "data": {"memoryId": "m1", "n": 1e5}}')
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + 1] = data.draw(st.binary(max_size=4))
    assert isinstance(admitted(bytes(body)), Event | Refusal)
