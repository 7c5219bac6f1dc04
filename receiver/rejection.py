"""A refused request as the reception saw it, and what the operator will be told of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from eventlog.rejects import NewReject
from receiver.answer import UNSIGNED, Refusal
from receiver.signature import is_well_formed

KEPT_STATUSES: Final = frozenset({400, 401, 408, 413, 422})
"""What is refused for itself; a 503 is the receiver's own want, and its sender comes again."""

NO_SIGNATURE: Final = "no signature header"
MALFORMED: Final = "malformed signature header"
UNFITTING: Final = "signature does not fit"
HOLDS_SECRET: Final = "the signature header held the secret itself"  # noqa: S105 - words
BODY_HELD_SECRET: Final = "; the body held the secret and was not kept"  # noqa: S105 - words

_SIGNATURE_CHARACTERS: Final = 200
_REASON_CHARACTERS: Final = 500
_UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One request that was refused."""

    refusal: Refusal
    request_id: str
    received_at: datetime
    body: bytes | None = field(repr=False)
    """None where it was not read, or not to its end."""
    signature: str | None

    @property
    def is_signed(self) -> bool:
        """Whether its signature was verified, and the request refused for another reason."""
        return self.body is not None and self.refusal.status != UNSIGNED.status

    def as_row(self, keys: Sequence[bytes], *, not_kept: int) -> NewReject:
        """Give what is stored of it: never a secret, not even one that came in the request itself."""
        signature, body, reason = self.signature, self.body, self._reason()
        if signature is not None and _holds_any(signature.encode("utf-8", "replace"), keys):
            signature, reason = None, HOLDS_SECRET
        if body is not None and _holds_any(body, keys):
            body, reason = None, reason + BODY_HELD_SECRET
        return NewReject(
            received_at=self.received_at,
            request_id=self.request_id,
            status=self.refusal.status,
            code=self.refusal.code,
            reason=_storable(reason, _REASON_CHARACTERS),
            is_signed=self.is_signed,
            signature=None if signature is None else _storable(signature, _SIGNATURE_CHARACTERS),
            size=None if self.body is None else len(self.body),
            body=body,
            not_kept=not_kept,
        )

    def _reason(self) -> str:
        if self.refusal.status != UNSIGNED.status:
            return self.refusal.message
        if self.signature is None or not self.signature.strip():
            return NO_SIGNATURE
        return UNFITTING if is_well_formed(self.signature) else MALFORMED


def _holds_any(text: bytes, keys: Sequence[bytes]) -> bool:
    return any(key in text for key in keys)


def _storable(text: str, longest: int) -> str:
    return _UNSTORABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text[:longest])[:longest]
