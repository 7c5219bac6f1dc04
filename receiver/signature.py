"""Sign a body and verify its signature: HMAC-SHA256 over the raw bytes, keyed with the webhook's secret.

ChaozCode's API reference ("Verifying Webhook Signatures") shows the header as `sha256=<hex>`, but its example
compares the bare hex digest with it: both forms are accepted.
"""

import hmac
import re
from collections.abc import Sequence
from typing import Final

_HEADER: Final = re.compile(rb"(?:sha256=)?([0-9a-fA-F]{64})")
_NO_DIGEST: Final = b"-" * 64


def sign(body: bytes, secret: bytes) -> str:
    """Return the value of X-ChaozCode-Signature for a body."""
    return f"sha256={hmac.digest(secret, body, 'sha256').hex()}"


def verify(body: bytes, header: str | bytes | None, secrets: Sequence[bytes]) -> bool:
    """Tell whether the header is the body's signature with any of the secrets.

    Takes as long for a wrong or malformed header as for a right one, whichever secret it was signed with.
    """
    given = _digest_in(header)
    is_signed = False
    for secret in secrets:
        expected = hmac.digest(secret, body, "sha256").hex().encode("ascii")
        # Bytes, as compare_digest raises on a str that is not ASCII; no early end, which would tell by time.
        is_signed |= hmac.compare_digest(expected, given)
    return is_signed


def is_well_formed(header: str) -> bool:
    """Tell whether the header could be a signature of some body."""
    return _digest_in(header) != _NO_DIGEST


def _digest_in(header: str | bytes | None) -> bytes:
    """Return the header's hex digits in lower case, or as many bytes that are equal to no digest."""
    raw = header.encode("utf-8", "replace") if isinstance(header, str) else header or b""
    found = _HEADER.fullmatch(raw.strip())
    return found[1].lower() if found else _NO_DIGEST
