import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from clients.redaction import Redaction

KEY = "cc_live_a/b+c&<d>=0123456789"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZW1vIn0.c2lnbmF0dXJlLW9mLWl0-_x"


@pytest.mark.parametrize(
    "shown",
    [
        KEY,
        KEY.upper(),
        quote(KEY),
        quote(KEY, safe="").lower(),
        json.dumps({"key": KEY}),
        "cc_live_a/b+c&amp;&lt;d&gt;=0123456789",
        KEY.encode().hex(),
        repr(f"Bearer {KEY}"),
        f"url=https://a.test/{quote(KEY, safe='')}/x",
    ],
)
def test_a_key_is_struck_in_whatever_form_it_is_echoed(shown: str) -> None:
    struck = Redaction([KEY]).text(f"before {shown} after")
    assert "***" in struck
    assert "cc_live" not in struck.lower()
    assert "0123456789" not in struck
    assert KEY.encode().hex() not in struck
    assert struck.startswith("before ")
    assert struck.endswith(" after")


@pytest.mark.parametrize("around", [b"", b"B", b"Be", b"Bearer ", b"user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_key_is_struck_in_base64_wherever_it_stands_in_what_was_encoded(
    around: bytes, encode: Callable[[bytes], bytes]
) -> None:
    for after in (b"", b"x", b"xy", b" and more"):
        text = encode(around + KEY.encode() + after).decode()
        struck = Redaction([KEY]).text(text)
        assert "***" in struck
        assert len(struck) < len(text) - len(KEY)


def test_a_token_s_signature_is_struck_where_it_stands_alone() -> None:
    assert Redaction([JWT]).text(f"bad signature {JWT.rpartition('.')[2]}!") == "bad signature ***!"


def test_bytes_are_kept_but_for_the_secrets() -> None:
    data = b"\xff\x00" + JWT.encode() + bytes(range(256))
    assert Redaction([JWT]).data(data) == b"\xff\x00***" + bytes(range(256))


def test_of_several_secrets_the_longer_is_struck_whole() -> None:
    assert Redaction(["abcd", "abcdefgh"]).text("abcdefgh abcd") == "*** ***"


def test_without_secrets_all_stays() -> None:
    assert Redaction([]).text("cc_live") == Redaction([""]).text("cc_live") == "cc_live"


def test_a_placeholder_is_not_struck_from_the_middle_of_words() -> None:
    assert Redaction(["k"]).text("https://hooks.example.com/webhooks") == "https://hooks.example.com/webhooks"
