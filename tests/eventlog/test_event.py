from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from eventlog.event import UndecodableData, subject_of
from tests.eventlog.stored import an_event


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b'{"data": {"memoryId": "m1", "tags": ["a"]}}', {"memoryId": "m1", "tags": ["a"]}),
        (b'{"data": [1, "2", null]}', [1, "2", None]),
        (b'{"data": 12345678901234567890123}', 12345678901234567890123),
        (b'{"data": "\\u00e9\\u0000"}', "é\x00"),
        (b'{"data": 1, "data": 2}', 2),
        (b'{"id": "evt_1"}', {}),
        (b'{"data": null}', {}),
        (b'{"data": false}', False),
        (b'{"data": []}', []),
        (b'{"data": "\\ud83d"}', "\ud83d"),  # as JavaScript writes a text cut within an emoji
    ],
)
def test_the_data_is_what_the_body_says(body: bytes, data: Any) -> None:
    assert an_event("evt_1", body=body).data == data


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": "\xff"}',
        b'{"data": 1e999}',
        b'{"data": ' + b"9" * 10_000 + b"}",
        b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"other": "\\ud800", "data": 1e999}',
        b'{"other": "\\ud800", "data": NaN}',
        b'{"data": ',
        b"[]",
        b"",
    ],
    ids=[
        "UTF-8",
        "1e999",
        "10,000 digits",
        "deep",
        "1e999, surrogate",
        "NaN",
        "cut off",
        "no object",
        "empty",
    ],
)
def test_data_that_no_decoder_takes_is_a_permanent_error_that_names_the_event(body: bytes) -> None:
    event = an_event("evt_1", body=body)
    with pytest.raises(UndecodableData, match="evt_1") as failure:
        _ = event.data
    assert failure.value.permanent


def test_the_data_is_decoded_once() -> None:
    event = an_event("evt_1", body=b'{"data": {"a": 1}}')
    assert event.data is event.data


def test_decoding_the_data_does_not_change_what_an_event_equals() -> None:
    event, copy = an_event("evt_1", body=b'{"data": {"a": 1}}'), None
    copy = replace(event)
    assert event.data == {"a": 1}
    assert event == copy
    assert event != replace(event, type="other")
    assert replace(event, body=b'{"data": 2}').data == 2


def test_an_event_can_not_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        an_event("evt_1").id = "evt_2"  # type: ignore[misc]


def test_an_event_is_shown_without_its_body() -> None:
    event = an_event("evt_1", body=b'{"data": "private"}')
    assert event.data == "private"
    assert "private" not in repr(event)
    assert "evt_1" in repr(event)


@pytest.mark.parametrize(
    ("event_type", "data", "subject"),
    [
        ("memory.stored", {"memoryId": "m1"}, "m1"),
        ("memory.of-the-future", {"memoryId": "m1"}, "m1"),
        ("agent.failed", {"agentId": "a1", "memoryId": "m1"}, "a1"),
        ("project.updated", {"projectId": "p1"}, "p1"),
        ("usage.threshold", {"memoryId": "m1"}, None),
        ("memory.stored", {"memoryId": 7}, None),
        ("memory.stored", {}, None),
        ("memory.stored", ["memoryId"], None),
        ("memory.stored", None, None),
        ("", {"memoryId": "m1"}, None),
    ],
)
def test_the_subject_is_what_the_data_names_for_the_type(
    event_type: str, data: Any, subject: str | None
) -> None:
    assert subject_of(event_type, data) == subject
