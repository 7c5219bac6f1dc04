"""The keys that a sender may have signed with in a secret's place."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from receiver.explain.deviation import Deviation

_PREFIX: Final = b"whsec_"
_AT_CHAOZCODE: Final = "give the sender the secret exactly as CHAOZCODE_WEBHOOK_SECRET has it, without that"
_HERE: Final = "correct CHAOZCODE_WEBHOOK_SECRET, restart the receiver, then: hooks rejects admit"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSecret:
    """A secret to try."""

    name: str
    """Which one it is, in words that don't give it away."""
    key: bytes = field(repr=False)
    is_accepted: bool
    """Whether the receiver takes signatures made with it."""


def keys(secret: KnownSecret) -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    """Give the secret itself, then what becomes of it by the usual mistakes."""
    other = () if secret.is_accepted else (_other(secret),)
    yield secret.key, other
    for key, deviation in (*_at_the_sender(secret.key), *_here(secret.key)):
        if key != secret.key:
            yield key, (*other, deviation)


def placeholders() -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    """Give what a sender signs with whose own secret is not set."""
    for key in (b"", b"undefined", b"null", b"None"):
        shown = "an empty secret" if not key else f'the word "{key.decode()}"'
        yield (
            key,
            (
                Deviation(
                    cause="secret-not-set",
                    what=f"it was made with {shown} in the secret's place",
                    todo="set the secret at the sender",
                ),
            ),
        )


def _other(secret: KnownSecret) -> Deviation:
    return Deviation(
        cause="other-secret",
        what=f"it was made with {secret.name}, which the receiver does not take",
        todo="add that secret to CHAOZCODE_WEBHOOK_SECRET, behind the newest and a space,"
        " restart the receiver, then: hooks rejects admit",
    )


def _at_the_sender(key: bytes) -> Iterator[tuple[bytes, Deviation]]:
    for ending in (b"\n", b"\r\n", b"\r", b"\\n"):
        yield key + ending, _made("secret-line-break", "with a line break behind the secret", _AT_CHAOZCODE)
    for spaced in (key + b" ", b" " + key, b" " + key + b" ", key + b"\t"):
        yield spaced, _made("secret-white-space", "with white space around the secret", _AT_CHAOZCODE)
    for quote in (b'"', b"'", b"`"):
        quoted = quote + key + quote
        yield quoted, _made("secret-in-quotes", "with quotation marks around the secret", _AT_CHAOZCODE)
    for cased in (key.lower(), key.upper()):
        yield cased, _made("secret-case", "with the secret in other capital letters", _AT_CHAOZCODE)


def _here(key: bytes) -> Iterator[tuple[bytes, Deviation]]:
    bare = key.removeprefix(_PREFIX)
    yield bare, _made("secret-prefix", "with the secret less its whsec_", _HERE_OR_THERE)
    yield _PREFIX + key, _made("secret-prefix", "with whsec_ before the secret", _HERE)
    for raw in (_unbase64(bare), _unbase64(key)):
        if raw:
            yield raw, _made("secret-decoded", "with what the secret is in base64", _HERE_OR_THERE)
    if re.fullmatch(rb"(?:[0-9a-fA-F]{2})+", bare):
        raw = bytes.fromhex(bare.decode())
        yield raw, _made("secret-decoded", "with what the secret is in hex", _HERE_OR_THERE)
    unquoted = key.strip(b"\"'`")
    yield (
        unquoted,
        _made("own-secret-in-quotes", "with the secret less the quotation marks it has here", _HERE),
    )
    yield (
        unquote_to_bytes(key),
        _made("secret-escaped", "with the secret less the %-escapes it has here", _HERE),
    )
    for part in re.split(rb"[,;]", key):
        if part:
            joined = "with one part of what stands here between commas (several are separated by white space)"
            yield part, _made("own-secrets-joined", joined, _HERE)


_HERE_OR_THERE: Final = (
    "have the sender use the secret's text as the key, as ChaozCode does; if it can't, it is not ChaozCode"
)


def _made(cause: str, how: str, todo: str) -> Deviation:
    return Deviation(cause=cause, what=f"it was made {how}", todo=todo)


def _unbase64(text: bytes) -> bytes | None:
    plain = text.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return None
