"""Tries what usually goes wrong, until a header's digest fits."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from receiver.explain.bodies import bodies
from receiver.explain.deviation import Deviation
from receiver.explain.headers import TIMESTAMPED, Claim, claims, timestamp
from receiver.explain.keys import KnownSecret, keys, placeholders

_ALGORITHMS: Final = {
    16: ("md5",),
    20: ("sha1",),
    28: ("sha224",),
    32: ("sha3_256", "blake2s"),
    48: ("sha384",),
    64: ("sha512", "sha3_512", "blake2b"),
}
"""By the length of their digests in bytes; sha256 apart."""

Key = tuple[bytes, tuple[Deviation, ...]]
Signed = tuple[bytes, tuple[Deviation, ...]]


def find_deviations(body: bytes, header: str, secrets: Sequence[KnownSecret]) -> tuple[Deviation, ...] | None:
    """Tell how the signature was made otherwise than it should be; () is as it should, None is not found."""
    claimed = {claim.digest: claim for claim in reversed(claims(header))}
    if not claimed:
        return None
    tried = list(chain.from_iterable(keys(secret) for secret in secrets)) + list(placeholders())
    for digest, deviations in _digests(body, timestamp(header), tried, secrets, {len(d) for d in claimed}):
        if digest in claimed:
            return _together(claimed[digest], deviations)
    return None


def _together(claim: Claim, deviations: Iterable[Deviation]) -> tuple[Deviation, ...]:
    return tuple(dict.fromkeys((*claim.deviations, *deviations)))


def _digests(
    body: bytes,
    stamp: bytes | None,
    tried: Sequence[Key],
    secrets: Sequence[KnownSecret],
    lengths: set[int],
) -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    yield from _by_other_algorithms(body, tried, lengths)
    if 32 in lengths:
        for message, by_body in _messages(body, stamp):
            for key, by_key in tried:
                yield hmac.digest(key, message, "sha256"), (*by_key, *by_body)
    yield from _without_hmac(body, secrets)


def _messages(body: bytes, stamp: bytes | None) -> Iterator[Signed]:
    for message, deviations in bodies(body):
        yield message, deviations
        if stamp is not None:
            yield stamp + b"." + message, (TIMESTAMPED, *deviations)


def _by_other_algorithms(
    body: bytes, tried: Sequence[Key], lengths: set[int]
) -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    for length in sorted(lengths):
        for algorithm in _ALGORITHMS.get(length, ()):
            deviation = Deviation(
                cause="other-algorithm",
                what=f"it was made with {algorithm.upper().replace('_', '-')} instead of SHA-256",
                todo="have the sender sign with HMAC-SHA256, as ChaozCode documents it",
            )
            for key, by_key in tried:
                yield hmac.digest(key, body, algorithm), (*by_key, deviation)


def _without_hmac(
    body: bytes, secrets: Sequence[KnownSecret]
) -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    unkeyed = _no_hmac("the body's bare SHA-256, which needs no secret and proves nothing")
    yield hashlib.sha256(body).digest(), unkeyed
    for secret in secrets:
        for joined in (secret.key + body, body + secret.key):
            yield hashlib.sha256(joined).digest(), _no_hmac("a bare SHA-256 of the secret and the body")
        yield hmac.digest(body, secret.key, "sha256"), _no_hmac("an HMAC with body and secret exchanged")


def _no_hmac(what: str) -> tuple[Deviation, ...]:
    todo = "have the sender sign with HMAC-SHA256, keyed with the secret, over the raw body"
    return (Deviation(cause="not-hmac", what=f"it is {what}", todo=todo),)
