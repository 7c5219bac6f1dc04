"""Whatever bytes a sender signs: `admit` never raises, is never slow, and what it takes can be stored."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from eventlog.acceptance import record
from eventlog.arrival import Receipt
from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.event import Event, UndecodableData
from eventlog.schema import upgrade
from receiver.admit import admit
from receiver.answer import Refusal
from receiver.signature import sign

SECRET: Final = b"whsec_of_the_test"
NOW: Final = datetime(2026, 1, 30, 12, 0, 1, tzinfo=UTC)
LARGEST: Final = 256 * 1024

BOUNDED: Final = settings(
    max_examples=150, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)

ODD_VALUES: Final = st.sampled_from(
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1e-999",
        "9" * 10_000,
        "0." + "3" * 10_000,
        "-0",
        "01",
        "+1",
        ".5",
        '"\\u0000"',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"\\ud83d\\ude00"',
        '"\x7f"',
        '"\u2028"',
        '"\\/"',
        '"' + "x" * 300 + '"',
        '"' + "\N{GRINNING FACE}" * 64 + '"',
        "[" * 5000 + "]" * 5000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        '{"id": "inner", "type": "inner"}',
        "{}",
        "null",
        "true",
    ]
)
TEXTS: Final = st.text(max_size=20).map(json.dumps)
TIMES: Final = st.sampled_from(
    [
        "2026-01-30T12:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "9999-12-31T23:59:59-23:59",
        "10000-01-01T00:00:00Z",
        "-2026-01-30T12:00:00Z",
        "2026-01-30T24:00:00Z",
        "2026-01-30T23:59:60Z",
        "2026-01-30T12:00:00." + "1" * 5000 + "Z",
        "2026-01-30T12:00:00+99:99",
        "2026-01-30T12:00:00+00:00:00.000001",
        "2026-W05-5T12:00:00Z",
        "20260130T120000Z",
        "2026-01-30 12:00",
        "٢٠٢٦-01-30T12:00:00Z",
        "2026-01-30T12:00:00\u0000",
        "1769774400",
        "Fri, 30 Jan 2026 12:00:00 GMT",
    ]
).map(json.dumps)
VALUES: Final = ODD_VALUES | TEXTS | TIMES | st.integers().map(str)
MEMBERS: Final = st.tuples(
    st.sampled_from(["id", "type", "createdAt", "data", "memoryId", "\\u0069d", "id\\u0000", ""]), VALUES
)
PREFIXES: Final = st.sampled_from([b""] * 12 + [b"\xef\xbb\xbf", b"\n", b"\xff\xfe", b"\x00"])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Make a body that is nearly JSON, and often an event, with keys that may come twice."""
    members = draw(st.lists(MEMBERS, max_size=6))
    if draw(st.booleans()):
        event_id = draw(st.text(min_size=1, max_size=20).map(json.dumps))
        members += [("id", event_id), ("type", '"memory.stored"')]
    if draw(st.booleans()):
        members.append(("data", '{"memoryId": ' + draw(VALUES) + "}"))
    text = "{" + ", ".join(f'"{name}": {value}' for name, value in draw(st.permutations(members))) + "}"
    encoding = draw(st.sampled_from(["utf-8"] * 15 + ["utf-16"]))
    return draw(PREFIXES) + text.encode(encoding)


def admitted(body: bytes) -> Event | Refusal:
    return admit(body, sign(body, SECRET), keys=[SECRET], now=NOW)


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    log = EventLog.open(database_url)
    upgrade(log)
    yield log
    log.close()


@BOUNDED
@given(body=bodies() | st.binary(max_size=200), header=st.none() | st.text(max_size=80) | st.just("sha256="))
def test_no_unsigned_bytes_are_read(body: bytes, header: str | None) -> None:
    refused = admit(body, header, keys=[SECRET], now=NOW)
    assert isinstance(refused, Refusal)
    assert refused.status == 401


@BOUNDED
@given(body=bodies())
@example(b'{"id": "\\ud800", "type": "t", "data": "\\ud800"}')
@example(b'{"id": "a\\u0000", "type": "t\\u0000", "data": {"memoryId": "\\u0000"}}')
@example(b'{"id": "a", "type": "t", "createdAt": "9999-12-31T23:59:59.999999Z"}')
@example(b'{"id": "\\ufffe", "type": "\\uffff", "data": {"memoryId": "\\ufeff"}}')
def test_whatever_is_taken_is_stored_as_it_came(log: EventLog, body: bytes) -> None:
    event = admitted(body)
    if isinstance(event, Refusal):
        assert event.status in (400, 422)
        return
    known = read_detail(log, event.id)
    (receipt,) = record(log, [event])
    assert receipt is (Receipt.NEW if known is None else receipt)
    assert receipt is not Receipt.NOT_STORABLE
    stored = read_detail(log, event.id)
    assert stored
    assert stored.id == event.id
    if known is None:
        kept = (stored.type, stored.subject, stored.created_at, stored.body)
        assert kept == (event.type, event.subject, event.created_at, body)
    else:
        assert stored.seen == known.seen + 1


@BOUNDED
@given(body=bodies())
def test_whatever_is_taken_gives_its_data_or_says_for_good_why_not(body: bytes) -> None:
    event = admitted(body)
    if isinstance(event, Event):
        with suppress(UndecodableData):  # which a worker takes for a permanent failure
            json.dumps(event.data)


@BOUNDED
@given(ids=st.lists(st.text("abc", min_size=1, max_size=3), min_size=2, max_size=4))
def test_of_several_ids_the_last_counts_for_both_parsers(ids: list[str]) -> None:
    members = ", ".join(f'"id": "{event_id}"' for event_id in ids)
    for data in ('"plain"', r'"cut within an emoji \ud83d"'):
        for body in (
            f'{{{members}, "type": "t", "data": {data}}}',
            f'{{"data": {data}, "type": "t", {members}}}',
        ):
            event = admitted(body.encode())
            assert isinstance(event, Event)
            assert event.id == ids[-1]


def filled(before: bytes, unit: bytes, after: bytes) -> bytes:
    """Return a body of nearly the largest size, full of one thing."""
    return before + unit * ((LARGEST - len(before) - len(after)) // len(unit)) + after


def an_event_with(before: bytes, unit: bytes, after: bytes) -> bytes:
    return filled(b'{"id": "evt_1", "type": "memory.stored", "data": ' + before, unit, after + b"}")


@pytest.mark.parametrize(
    "body",
    [
        filled(b"", b"[", b""),
        filled(b"", b'{"a":', b""),
        filled(b"", b"9", b""),
        filled(b'"', b"\\", b'"'),
        filled(b'{"type": "t", "id": ', b"9", b"}"),
        filled(b'{"type": "t", "id": "', b"x", b'"}'),
        filled(b'{"type": "t"', b', "id": "a"', b"}"),
        filled(b'{"type": "t", "id": "a", "createdAt": "2026-01-30T12:00:00.', b"1", b'Z"}'),
        an_event_with(b"", b"[", b""),
        an_event_with(b"", b"9", b""),
        an_event_with(b"1e", b"9", b""),
        an_event_with(b"0.", b"9", b""),
        an_event_with(b'"', b"\\\\", b'"'),
        an_event_with(b'"', b"\\u00e9", b'"'),
        an_event_with(b'"', b"\\ud800", b'"'),
        an_event_with(b"[[]", b",[]", b"]"),
        an_event_with(b'["\\ud800",', b"9", b"]"),
        an_event_with(b'["\\ud800"', b",1e9", b"]"),
        an_event_with(b'["\\ud800",', b"[", b""),
    ],
    ids=lambda body: f"{body[:50]!r} … {body[-12:]!r}",
)
def test_no_body_of_the_largest_size_takes_more_time_than_its_size_explains(body: bytes) -> None:
    def seconds_for(content: bytes) -> float:
        began = time.process_time()
        admitted(content)
        return time.process_time() - began

    # 10 ms or so; a parser with a quadratic path would take minutes
    assert min(seconds_for(body) for _ in range(3)) < 2


def test_a_refusal_holds_nothing_of_the_body() -> None:
    said = [str(admitted(body)) for body in every_refused_body(b"hunter2")]
    assert not any("hunter2" in words for words in said)


def every_refused_body(word: bytes) -> list[bytes]:
    make: list[Callable[[bytes], bytes]] = [
        lambda word: word,
        lambda word: b'"' + word + b'"',
        lambda word: b'{"id": "' + word + b'"}',
        lambda word: b'{"id": "' + word + b'", "type": NaN}',
        lambda word: b'{"id": {"' + word + b'": 1}, "type": "t"}',
        lambda word: b'{"id": "\\ud800' + word + b'", "type": "t"}',
        lambda word: b'{"id": "' + word * 50 + b'", "type": "t"}',
    ]
    made = [one(word) for one in make]
    assert all(isinstance(admitted(body), Refusal) for body in made)
    return made


@BOUNDED
@given(name=st.sampled_from(["id", "type", "createdAt", "data"]), value=VALUES)
def test_no_value_of_any_field_makes_it_raise(name: str, value: str) -> None:
    members = {"id": '"evt_1"', "type": '"memory.stored"', name: value}
    body = "{" + ", ".join(f'"{key}": {one}' for key, one in members.items()) + "}"
    assert isinstance(admitted(body.encode()), Event | Refusal)
