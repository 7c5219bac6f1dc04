"""The digests that a signature header may hold, however it writes them."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from receiver.explain.deviation import Deviation
from receiver.signature import is_well_formed

_PIECE: Final = re.compile(r"(?:([A-Za-z][\w.-]{0,15})\s*[=:,]\s*)?[\"']?([0-9A-Za-z+/_-]{20,}={0,2})")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+")
_TIMESTAMP: Final = re.compile(r"\bt=(\d{1,20})\b")
_DIGEST_BYTES: Final = frozenset({16, 20, 28, 32, 48, 64})
_CLAIMS: Final = 4
"""More than any sender writes; a stranger's header must not make much work."""

_SENDER: Final = "have the sender write the header as sha256=<hex>, as ChaozCode documents it"

SEVERAL: Final = Deviation(
    cause="several-signatures",
    what="the header holds several signatures",
    todo="have one header with one signature sent; a proxy may have joined two",
)
QUOTED: Final = Deviation(cause="quoted-header", what="the header is in quotation marks", todo=_SENDER)
OTHER_PREFIX: Final = Deviation(cause="wrong-prefix", what="the header's prefix is not sha256=", todo=_SENDER)
OTHER_FORM: Final = Deviation(
    cause="malformed-header", what="the header holds more than the signature", todo=_SENDER
)
BASE64: Final = Deviation(cause="base64", what="the header holds it in base64 instead of hex", todo=_SENDER)
BASE64_OF_HEX: Final = Deviation(
    cause="base64-of-hex", what="the header holds the hex digits once more encoded, in base64", todo=_SENDER
)
TIMESTAMPED: Final = Deviation(
    cause="timestamped",
    what="it was made over a time stamp and the body, as Stripe signs",
    todo="have the sender sign the raw body alone: this sender is not ChaozCode, or not as documented",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One digest that the header claims for the body."""

    digest: bytes
    deviations: tuple[Deviation, ...]


def claims(header: str) -> list[Claim]:
    """Read a header's digests, in whatever form; the documented form has no deviations."""
    return list(_claims(header.strip()))[:_CLAIMS]


def timestamp(header: str) -> bytes | None:
    """Find the time stamp of a header such as `t=1700000000,v1=…`."""
    found = _TIMESTAMP.search(header)
    return None if found is None else found[1].encode()


def _claims(header: str) -> Iterator[Claim]:
    pieces = _PIECE.findall(header)
    for prefix, value in pieces:
        around: list[Deviation] = []
        if len(pieces) > 1:
            around.append(SEVERAL)
        if header[:1] in "\"'" and header:
            around.append(QUOTED)
        if prefix not in ("", "sha256"):
            around.append(OTHER_PREFIX)
        for digest, encoding in _decoded(value):
            deviations = (*around, *encoding)
            if not deviations and len(digest) == 32 and not is_well_formed(header):
                deviations = (OTHER_FORM,)
            yield Claim(digest=digest, deviations=deviations)


def _decoded(value: str) -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    if _HEX.fullmatch(value) and len(value) // 2 in _DIGEST_BYTES:
        yield bytes.fromhex(value), ()
    text = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return
    if len(raw) in _DIGEST_BYTES:
        yield raw, (BASE64,)
    inner = raw.decode("ascii", "replace")
    if _HEX.fullmatch(inner) and len(inner) // 2 in _DIGEST_BYTES:
        yield bytes.fromhex(inner), (BASE64_OF_HEX,)
