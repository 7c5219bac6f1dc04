"""Each cause of a refusal is found in a request that was really signed in that wrong way."""

import base64
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable

import pytest

from receiver.admit import admit
from receiver.answer import UNSIGNED
from receiver.explain.explanation import Explanation, explain
from receiver.explain.keys import KnownSecret
from receiver.rejection import HOLDS_SECRET
from receiver.signature import sign
from tests.receiver.rejecting import NOON, SECRET, a_reject

OLD_SECRET = b"whsec_b2xkLXNlY3JldC1vZi1sYXN0LXllYXI="
EVENT = {
    "id": "evt_1",
    "type": "memory.stored",
    "createdAt": "2026-01-30T12:00:00Z",
    "data": {"memoryId": "a/b <é>", "tags": ["x", "y"], "importance": 1.0, "note": "\U0001f600\r\n"},
}
BODY = json.dumps(EVENT).encode()
ACCEPTED = KnownSecret(name="the newest secret", key=SECRET, is_accepted=True)
OLD = KnownSecret(name="the secret in old.txt", key=OLD_SECRET, is_accepted=False)


def explained(
    header: str | None, body: bytes = BODY, *, secrets: tuple[KnownSecret, ...] = (ACCEPTED, OLD)
) -> Explanation:
    found = explain(a_reject(signature=header), body, secrets)
    for secret in secrets:
        assert secret.key.decode() not in f"{found}", "a secret was shown"
    if not found.is_admissible and found.causes != ("no-event",):
        refused = admit(body, header, keys=[SECRET], now=NOON)
        assert refused == UNSIGNED, "it says that it is refused, and it is not"
    return found


def digest(key: bytes = SECRET, body: bytes = BODY, algorithm: str = "sha256") -> bytes:
    return hmac.digest(key, body, algorithm)


def compact(**options: object) -> bytes:
    return json.dumps(EVENT, separators=(",", ":"), **options).encode()  # type: ignore[arg-type]


def hexadecimal(raw: bytes) -> str:
    return f"sha256={raw.hex()}"


HEADERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "base64": ("sha256=" + base64.b64encode(digest()).decode(), ("base64",)),
    "base64 without a prefix": (base64.b64encode(digest()).decode(), ("base64",)),
    "base64 for URLs": (base64.urlsafe_b64encode(digest()).rstrip(b"=").decode(), ("base64",)),
    "Standard Webhooks": ("v1," + base64.b64encode(digest()).decode(), ("wrong-prefix", "base64")),
    "the hex encoded again": (base64.b64encode(digest().hex().encode()).decode(), ("base64-of-hex",)),
    "another prefix": ("sha-256=" + digest().hex(), ("wrong-prefix",)),
    "the prefix in capital letters": ("SHA256=" + digest().hex(), ("wrong-prefix",)),
    "a colon": ("hmac-sha256:" + digest().hex(), ("wrong-prefix",)),
    "quotation marks": (f'"{hexadecimal(digest())}"', ("quoted-header",)),
    "several": (f"{hexadecimal(digest())}, {hexadecimal(digest())}", ("several-signatures",)),
    "several secrets": (f"{hexadecimal(b'0' * 32)},{hexadecimal(digest())}", ("several-signatures",)),
    "words after it": (f"{hexadecimal(digest())}; ok", ("malformed-header",)),
    "a space in it": (f"sha256= {digest().hex()}", ("malformed-header",)),
    "Stripe": (
        f"t=1700000000,v1={digest(body=b'1700000000.' + BODY).hex()}",
        ("wrong-prefix", "timestamped"),
    ),
    "SHA-1": ("sha1=" + digest(algorithm="sha1").hex(), ("wrong-prefix", "other-algorithm")),
    "SHA-512": (digest(algorithm="sha512").hex(), ("other-algorithm",)),
    "SHA-512 in base64": (
        "sha512=" + base64.b64encode(digest(algorithm="sha512")).decode(),
        ("wrong-prefix", "base64", "other-algorithm"),
    ),
    "SHA-3": (hexadecimal(digest(algorithm="sha3_256")), ("other-algorithm",)),
    "MD5": (digest(algorithm="md5").hex(), ("other-algorithm",)),
    "no HMAC at all": (hexadecimal(hashlib.sha256(BODY).digest()), ("not-hmac",)),
    "no HMAC, secret first": (hexadecimal(hashlib.sha256(SECRET + BODY).digest()), ("not-hmac",)),
    "secret and body exchanged": (hexadecimal(digest(BODY, SECRET)), ("not-hmac",)),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_in_another_form_is_found(name: str) -> None:
    header, causes = HEADERS[name]
    found = explained(header)
    assert found.causes == causes
    assert found.message.startswith("The signature fits, but ")
    assert found.todo


KEYS: dict[str, tuple[bytes, str]] = {
    "old": (OLD_SECRET, "other-secret"),
    "line break": (SECRET + b"\n", "secret-line-break"),
    "Windows line break": (SECRET + b"\r\n", "secret-line-break"),
    "escaped line break": (SECRET + b"\\n", "secret-line-break"),
    "space behind": (SECRET + b" ", "secret-white-space"),
    "space before": (b" " + SECRET, "secret-white-space"),
    "quotation marks": (b'"' + SECRET + b'"', "secret-in-quotes"),
    "single quotes": (b"'" + SECRET + b"'", "secret-in-quotes"),
    "lower case": (SECRET.lower(), "secret-case"),
    "prefix stripped": (SECRET.removeprefix(b"whsec_"), "secret-prefix"),
    "decoded, as Standard Webhooks does": (
        base64.b64decode(SECRET.removeprefix(b"whsec_") + b"=="),
        "secret-decoded",
    ),
    "empty": (b"", "secret-not-set"),
    "undefined": (b"undefined", "secret-not-set"),
}


@pytest.mark.parametrize("name", KEYS)
def test_another_key_is_found(name: str) -> None:
    key, cause = KEYS[name]
    assert explained(sign(BODY, key)).causes == (cause,)


OWN: dict[str, tuple[bytes, bytes, str]] = {
    "in quotation marks": (b'"' + SECRET + b'"', SECRET, "own-secret-in-quotes"),
    "less its prefix": (SECRET.removeprefix(b"whsec_"), SECRET, "secret-prefix"),
    "two with a comma": (SECRET + b"," + OLD_SECRET, SECRET, "own-secrets-joined"),
    "escaped": (b"secret%2Fwith%2Fslashes", b"secret/with/slashes", "secret-escaped"),
    "in hex": (b"00ff" * 16, bytes.fromhex("00ff" * 16), "secret-decoded"),
}


@pytest.mark.parametrize("name", OWN)
def test_a_secret_that_is_set_wrongly_here_is_found(name: str) -> None:
    ours, theirs, cause = OWN[name]
    own = KnownSecret(name="ours", key=ours, is_accepted=True)
    found = explain(a_reject(signature=sign(BODY, theirs)), BODY, (own,))
    assert found.causes == (cause,)


BODIES: dict[str, tuple[bytes, bytes, str]] = {
    "a line break was taken away": (BODY + b"\n", BODY, "trailing-newline"),
    "a line break was added": (BODY, BODY + b"\n", "trailing-newline"),
    "a Windows line break was added": (BODY, BODY + b"\r\n", "trailing-newline"),
    "white space was added": (BODY, b"  " + BODY + b" ", "white-space"),
    "LF became CRLF": (b'{\n"id": 1\n}', b'{\r\n"id": 1\r\n}', "line-breaks"),
    "CRLF became LF": (b'{\r\n"id": 1\r\n}', b'{\n"id": 1\n}', "line-breaks"),
    "a byte order mark was added": (BODY, b"\xef\xbb\xbf" + BODY, "byte-order-mark"),
    "a byte order mark was taken away": (b"\xef\xbb\xbf" + BODY, BODY, "byte-order-mark"),
    "compact": (compact(ensure_ascii=False), BODY, "re-serialised"),
    "compact, in ASCII": (compact(), BODY, "re-serialised"),
    "spaces": (json.dumps(EVENT).encode(), compact(), "re-serialised"),
    "spaces, not in ASCII": (json.dumps(EVENT, ensure_ascii=False).encode(), compact(), "re-serialised"),
    "sorted": (json.dumps(EVENT, sort_keys=True).encode(), BODY, "re-serialised"),
    "indented by two": (json.dumps(EVENT, indent=2).encode(), BODY, "re-serialised"),
    "indented by four": (json.dumps(EVENT, indent=4, ensure_ascii=False).encode(), BODY, "re-serialised"),
    "as PHP": (compact().replace(b"/", b"\\/"), BODY, "re-serialised"),
    "as Go": (
        compact(ensure_ascii=False).replace(b"<", b"\\u003c").replace(b">", b"\\u003e"),
        BODY,
        "re-serialised",
    ),
    "as JavaScript": (compact(ensure_ascii=False).replace(b"1.0", b"1"), BODY, "re-serialised"),
    "the data alone": (json.dumps(EVENT["data"], separators=(",", ":")).encode(), BODY, "data-only"),
    "its hash": (hashlib.sha256(BODY).hexdigest().encode(), BODY, "signed-twice"),
    "its hash's bytes": (hashlib.sha256(BODY).digest(), BODY, "signed-twice"),
    "base64": (base64.b64encode(BODY), BODY, "encoded-body"),
    "nothing": (b"", BODY, "empty-body"),
}


@pytest.mark.parametrize("name", BODIES)
def test_another_body_is_found(name: str) -> None:
    signed, arrived, cause = BODIES[name]
    assert explained(sign(signed, SECRET), arrived).causes == (cause,)


def test_several_causes_at_once_are_all_named() -> None:
    raw = digest(OLD_SECRET + b"\n", compact(ensure_ascii=False))
    found = explained("v1=" + base64.b64encode(raw).decode())
    assert found.causes == ("wrong-prefix", "base64", "other-secret", "secret-line-break", "re-serialised")


def test_what_verifies_now_is_told_with_the_command_that_takes_it_in() -> None:
    found = explained(sign(BODY, SECRET))
    assert (found.causes, found.is_admissible) == (("verifies-now",), True)
    assert "hooks rejects admit 1" in found.todo


def test_what_verifies_now_and_is_no_event_is_not_admissible() -> None:
    found = explained(sign(b"[]", SECRET), b"[]")
    assert (found.causes, found.is_admissible) == (("no-event",), False)
    assert "not a JSON object" in found.message


@pytest.mark.parametrize("header", [None, "", "   "])
def test_a_missing_header_is_told(header: str | None) -> None:
    assert explained(header).causes == ("no-signature",)


@pytest.mark.parametrize("header", ["nonsense", "sha256=", "sha256=" + "0" * 63, "=" * 200, "\\u0000", ","])
def test_a_header_that_is_no_signature_is_told(header: str) -> None:
    assert explained(header).causes == ("malformed-header",)


def test_a_wrong_secret_is_told_apart_from_a_strangers_request() -> None:
    header = sign(BODY, b"another secret altogether")
    assert explained(header).causes == ("wrong-secret",)
    assert explained(header, b"\x00 scan").causes == ("unknown",)


@pytest.mark.parametrize(("status", "cause"), [(408, "too-slow"), (413, "too-large"), (400, "cut-off")])
def test_what_was_not_read_is_told_by_its_status(status: int, cause: str) -> None:
    assert explain(a_reject(status=status), None, (ACCEPTED,)).causes == (cause,)


def test_a_signed_one_is_explained_by_its_body() -> None:
    reject = a_reject(status=422, is_signed=True, reason="The event's id is missing.")
    found = explain(reject, b"{}", (ACCEPTED,))
    assert found.causes == ("no-event",)
    assert "id is missing" in found.message


def test_a_secret_in_the_header_is_told_and_advised_to_be_changed() -> None:
    found = explain(a_reject(reason=HOLDS_SECRET), BODY, (ACCEPTED,))
    assert found.causes == ("secret-as-signature",)
    assert "change the secret" in found.todo


def test_one_without_its_body_says_so() -> None:
    assert explain(a_reject(signature=sign(BODY, SECRET)), None, (ACCEPTED,)).causes == ("unknown",)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nested": lambda: b'{"a":' * 900 + b"1" + b"}" * 900,
    "nested past all bounds": lambda: b"[" * 100_000,
    "nested, and wide at the bottom": lambda: b"[" * 800 + b"1," * 120_000 + b"1" + b"]" * 800,
    "a long number": lambda: b'{"n": ' + b"9" * 200_000 + b"}",
    "out of range": lambda: b'{"n": 1e999, "m": -1.5e308}',
    "no number": lambda: b'{"n": NaN}',
    "half a character": lambda: b'{"s": "\\ud800"}',
    "no UTF-8": lambda: b'{"s": "\xff"}',
    "large": lambda: json.dumps({"s": "x" * 250_000}).encode(),
    "no object": lambda: b"17.0",
    "random": lambda: random.Random(1).randbytes(100_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_neither_stops_it_nor_takes_it_long(name: str) -> None:
    header = ",".join(sign(bytes([at]), b"stranger") for at in range(3))
    begun = time.process_time()
    assert explained(header, HOSTILE[name]()).causes[0] in ("malformed-header", "unknown", "wrong-secret")
    assert time.process_time() - begun < 30


@pytest.mark.parametrize("seed", range(3))
def test_random_headers_never_stop_it(seed: int) -> None:
    chance = random.Random(seed)
    alphabet = "abcdef0123456789ABCXYZ+/=-_,;:.\"' \\té\ud800\u2028"
    for _ in range(300):
        explained("".join(chance.choices(alphabet, k=chance.randrange(200))), b"{}")
