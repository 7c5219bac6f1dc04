"""Chucky's tokens: JWTs that the sandbox signs itself, so that it can tell its own from any other."""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

_KEY: Final = b"the sandbox of chaozcode-hooks"
_HEADER: Final = {"alg": "HS256", "typ": "JWT"}
_FAR: Final = datetime(2100, 1, 1, tzinfo=UTC)


class TokenNotAccepted(Exception):  # noqa: N818 - named for what happened
    """The token is missing, has expired or is none of the sandbox's; its text is the reply's `error`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whom a token names."""

    user_id: str
    issuer_id: str


def make_token(user_id: str, *, issuer_id: str = "sandbox", expires_at: datetime = _FAR) -> str:
    """Make a token as Chucky's: the user is its `sub`, the project its `iss`."""
    claims = {"sub": user_id, "iss": issuer_id, "exp": int(expires_at.timestamp())}
    signed = f"{_encode(_HEADER)}.{_encode(claims)}"
    return f"{signed}.{_signature(signed)}"


def read_token(token: object, now: datetime) -> Holder:
    """Give whom the token names; raises `TokenNotAccepted`."""
    if not isinstance(token, str) or not token:
        raise TokenNotAccepted("Token required")
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(signed).encode(), signature.encode("utf-8", "replace")):
        raise TokenNotAccepted("Invalid token")
    claims = _claims(signed)
    if now.timestamp() >= claims["exp"]:
        # The one authentication error that the reference shows.
        raise TokenNotAccepted("Token expired")
    return Holder(user_id=claims["sub"], issuer_id=claims["iss"])


def _claims(signed: str) -> dict[str, Any]:
    try:
        text = signed.partition(".")[2]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error) as error:
        raise TokenNotAccepted("Invalid token") from error
    return claims


def _encode(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _signature(signed: str) -> str:
    return _base64(hmac.digest(_KEY, signed.encode("utf-8", "replace"), "sha256"))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


SANDBOX_TOKEN: Final = make_token("demo-user")
"""Always the same, and valid to the year 2100, so that the documentation can name it."""
