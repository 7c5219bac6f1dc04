import base64
import hashlib
import hmac
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.signature import sign, verify

BODY = b'{"id":"evt_abc123","type":"memory.stored"}\n'
SECRET = b"whsec_of_the_test"
DIGEST = hmac.new(SECRET, BODY, hashlib.sha256).hexdigest()

RFC_4231 = {
    1: (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    2: (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    3: (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    4: (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    5: (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    6: (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    7: (
        b"\xaa" * 131,
        (
            b"This is a test using a larger than block-size key and a larger than block-size data."
            b" The key needs to be hashed before being used by the HMAC algorithm."
        ),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
}


def test_the_vector_that_github_publishes_for_the_same_scheme() -> None:
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign(b"Hello, World!", b"It's a Secret to Everybody") == header
    assert verify(b"Hello, World!", header, [b"It's a Secret to Everybody"])


@pytest.mark.parametrize("case", RFC_4231)
def test_the_vectors_of_rfc_4231(case: int) -> None:
    secret, body, digest = RFC_4231[case]
    signature = sign(body, secret).removeprefix("sha256=")
    assert signature[: len(digest)] == digest  # case 5 is published cut to 128 bits
    assert verify(body, signature, [secret])
    assert verify(body, digest, [secret]) == (case != 5)


@pytest.mark.parametrize("body", [BODY, b"", '{"ключ": "\\u00e9 é"} \r\n'.encode(), bytes(range(256))])
def test_openssl_signs_alike(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "body").write_bytes(body)
    command = ["openssl", "dgst", "-sha256", "-hmac", SECRET.decode(), str(tmp_path / "body")]
    digest = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()[-1]
    assert sign(body, SECRET) == f"sha256={digest}"
    assert verify(body, f"sha256={digest}", [SECRET])


@pytest.mark.parametrize(
    "header",
    [
        f"sha256={DIGEST}",
        DIGEST,
        DIGEST.upper(),
        f"sha256={DIGEST.upper()}",
        f" \tsha256={DIGEST} ",
        f"sha256={DIGEST}".encode(),
        DIGEST.encode(),
    ],
)
def test_both_documented_forms_are_accepted(header: str | bytes) -> None:
    assert verify(BODY, header, [SECRET])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        b"",
        "sha256=",
        "sha256",
        f"sha1={DIGEST}",
        f"SHA256={DIGEST}",
        f"sha256= {DIGEST}",
        f"sha256=sha256={DIGEST}",
        f"sha256={DIGEST},sha256={DIGEST}",
        f"sha256=0x{DIGEST}",
        DIGEST[:-1],
        DIGEST + "0",
        DIGEST[:-1] + "g",
        "sha256=" + base64.b64encode(bytes.fromhex(DIGEST)).decode(),
        "sha256=" + hmac.new(SECRET, BODY, hashlib.sha1).hexdigest(),
        "sha256=" + "é" * 64,
        "\ud800" * 64,
        b"\xff" * 64,
        "-" * 64,
        "-" * 64 + "\n",
        "sha256=" + "\N{FULLWIDTH DIGIT ZERO}" * 64,
        "0" * 64,
    ],
)
def test_anything_else_is_refused(header: str | bytes | None) -> None:
    assert not verify(BODY, header, [SECRET])


def test_any_of_several_secrets_will_do() -> None:
    secrets = [b"newest", SECRET, b"oldest"]
    for secret in secrets:
        assert verify(BODY, sign(BODY, secret), secrets)
    assert not verify(BODY, sign(BODY, b"another"), secrets)


def test_without_secrets_nothing_is_accepted() -> None:
    assert not verify(BODY, sign(BODY, b""), [])


def test_all_secrets_are_tried_for_a_match_and_for_a_malformed_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = []
    compare = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        tried.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    for header in (f"sha256={DIGEST}", "no signature at all", None):
        tried.clear()
        verify(BODY, header, [SECRET, b"second", b"third"])
        assert tried == [(64, 64)] * 3


@given(body=st.binary(max_size=200), secret=st.binary(min_size=1, max_size=100))
def test_what_is_signed_is_verified(body: bytes, secret: bytes) -> None:
    assert verify(body, sign(body, secret), [secret])
    assert sign(body, secret) == "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


@given(body=st.binary(min_size=1, max_size=200), data=st.data())
def test_any_flipped_bit_of_the_body_fails(body: bytes, data: st.DataObject) -> None:
    flipped = flip(body, data.draw(st.integers(0, len(body) * 8 - 1)))
    assert not verify(flipped, sign(body, SECRET), [SECRET])


@given(bit=st.integers(0, 255))
def test_any_flipped_bit_of_the_digest_fails(bit: int) -> None:
    assert not verify(BODY, flip(bytes.fromhex(DIGEST), bit).hex(), [SECRET])


@given(header=st.one_of(st.none(), st.text(), st.binary()))
def test_no_header_raises_or_passes_by_luck(header: str | bytes | None) -> None:
    assert not verify(BODY, header, [SECRET])


def flip(content: bytes, bit: int) -> bytes:
    flipped = bytearray(content)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)
