"""What is stored of a refused request."""

import pytest

from receiver.answer import TOO_SLOW, Refusal, too_large
from receiver.rejection import BODY_HELD_SECRET, HOLDS_SECRET, MALFORMED, NO_SIGNATURE, UNFITTING
from receiver.signature import sign
from tests.receiver.rejecting import NOON, SECRET, SIGNED, a_rejection


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (None, NO_SIGNATURE),
        ("", NO_SIGNATURE),
        ("  ", NO_SIGNATURE),
        ("nonsense", MALFORMED),
        ("sha256=" + "0" * 63, MALFORMED),
        ("sha256=" + "0" * 64, UNFITTING),
        ("0" * 64, UNFITTING),
    ],
)
def test_the_reason_of_an_unsigned_one_is_told_by_its_header(signature: str | None, reason: str) -> None:
    row = a_rejection(signature=signature).as_row([SECRET], not_kept=4)
    assert (row.reason, row.is_signed, row.status, row.code) == (reason, False, 401, "UNAUTHORIZED")
    assert (row.signature, row.not_kept, row.received_at, row.request_id) == (signature, 4, NOON, "req_1")


def test_the_reason_of_a_signed_one_is_what_its_sender_was_told() -> None:
    row = a_rejection(refusal=SIGNED, body=b'{"type": "x"}').as_row([SECRET], not_kept=0)
    assert (row.is_signed, row.reason, row.size) == (True, "The event's id is missing.", 13)


@pytest.mark.parametrize("refusal", [TOO_SLOW, too_large(1000)])
def test_one_whose_body_was_not_read_counts_as_unsigned(refusal: Refusal) -> None:
    row = a_rejection(refusal=refusal, body=None, signature=None).as_row([SECRET], not_kept=0)
    assert (row.is_signed, row.size, row.body, row.reason) == (False, None, None, refusal.message)


def test_a_header_is_cut_and_made_storable() -> None:
    row = a_rejection(signature="a\x00\ud800\x1b" + "x" * 1000).as_row([SECRET], not_kept=0)
    assert row.signature
    assert row.signature.startswith("a\\u0000\\ud800\\u001bxxx")
    assert len(row.signature) == 200


@pytest.mark.parametrize("around", ["{}", "sha256={}", "x" * 190 + "{}", "Bearer {}"])
def test_a_header_that_holds_the_secret_is_not_stored(around: str) -> None:
    row = a_rejection(signature=around.format(SECRET.decode())).as_row([b"another", SECRET], not_kept=0)
    assert (row.signature, row.reason) == (None, HOLDS_SECRET)
    assert SECRET.decode()[:12] not in str(row)


def test_a_body_that_holds_the_secret_is_not_stored() -> None:
    body = b'{"secret": "' + SECRET + b'"}'
    row = a_rejection(body=body).as_row([SECRET], not_kept=0)
    assert (row.body, row.size, row.reason) == (None, len(body), UNFITTING + BODY_HELD_SECRET)
    signed = a_rejection(refusal=SIGNED, body=body, signature=sign(body, SECRET)).as_row([SECRET], not_kept=0)
    assert (signed.body, signed.is_signed) == (None, True)
