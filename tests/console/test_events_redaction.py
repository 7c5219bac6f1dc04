"""What is left of a body when its texts are taken out."""

import json
from typing import Any

import pytest

from console.events.redaction import NotRedactable, redact


def redacted(data: Any, **options: Any) -> Any:
    body = json.dumps({"id": "evt_1", "type": "a.b", "data": data}).encode()
    return json.loads(redact(body, **options))["data"]


def test_texts_are_replaced_and_all_else_stays_byte_for_byte() -> None:
    body = b'{ "id":"evt_1","type" : "a.b", "createdAt":"2026-01-30T12:00Z",\n "data":{"k":[1.50, -2e9]}}\r\n'
    assert redact(body) == body


def test_the_envelope_stays_and_its_names_in_the_data_do_not() -> None:
    body = b'{"id":"evt_1","type":"a.b","other":"Joe","data":{"id":"Joe","type":"Joe"}}'
    assert redact(body) == b'{"id":"evt_1","type":"a.b","other":"Aaa","data":{"id":"Aaa","type":"Aaa"}}'


def test_shape_and_length_stay() -> None:
    assert redacted(["Joe.Doe-42@example.com", "x y\n\t", "", "Ärger ☺"]) == [
        "Aaa.Aaa-11@aaaaaaa.aaa",
        "b b\n\t",
        "",
        "Ädddd ☺",
    ]


def test_equal_texts_stay_equal_and_others_differ() -> None:
    one, same, other = redacted(["alice", "alice", "carol"])
    assert one == same != other


def test_a_timestamp_stays_one() -> None:
    assert redacted(["2026-02-01T00:00:00.123+02:00"]) == ["1111-11-11T11:11:11.111+11:11"]


def test_what_is_to_be_kept_is_kept() -> None:
    assert redacted(["failed", "secret"], keep={"failed"}) == ["failed", "bbbbbb"]


def test_keys_stay_wherever_they_are() -> None:
    assert redacted({"a": {"b c": "d"}, "e": [{"f": "g"}]}) == {"a": {"b c": "a"}, "e": [{"f": "b"}]}


def test_half_a_surrogate_pair_and_escapes_survive() -> None:
    body = rb'{"id":"e","type":"t","data":["\ud83d cut \"q\\","after"]}'
    assert json.loads(redact(body))["data"] == ['\ud83d aaa "a\\', "bbbbb"]


def test_a_number_that_no_decoder_takes_stays() -> None:
    body = b'{"id":"e","type":"t","data":[' + b"9" * 5000 + b"]}"
    assert redact(body) == body


@pytest.mark.parametrize("body", [b"\xff", b"{", b'{"a": nope}', b"[" * 100_000])
def test_what_is_no_json_is_not_redactable(body: bytes) -> None:
    with pytest.raises(NotRedactable):
        redact(body)
