"""Refused requests for tests, and a ring in memory that a test can put out of reach."""

from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock

from eventlog.errors import LogUnavailable
from eventlog.rejects import NewReject, Reject
from receiver.answer import UNSIGNED, Refusal, unusable
from receiver.rejection import Rejection

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
SECRET = b"whsec_c2VjcmV0LW9mLXRoZS10ZXN0"
SIGNED = unusable("id", "is missing")


def a_rejection(
    name: str = "req_1",
    *,
    refusal: Refusal = UNSIGNED,
    body: bytes | None = b"{}",
    signature: str | None = "sha256=" + "0" * 64,
) -> Rejection:
    return Rejection(refusal=refusal, request_id=name, received_at=NOON, body=body, signature=signature)


def a_reject(
    *,
    number: int = 1,
    status: int = 401,
    reason: str = "signature does not fit",
    is_signed: bool = False,
    signature: str | None = None,
) -> Reject:
    return Reject(
        id=number,
        received_at=NOON,
        request_id="req_1",
        status=status,
        code="UNAUTHORIZED",
        reason=reason,
        is_signed=is_signed,
        signature=signature,
        size=1,
        not_kept=0,
        has_body=True,
    )


class Ring:
    """What was kept, batch by batch."""

    def __init__(self) -> None:
        self.batches: list[list[NewReject]] = []
        self.tries = 0
        self.is_away = False
        self.fails_with: Exception | None = None
        self._lock = Lock()

    def keep(self, batch: Sequence[NewReject]) -> None:
        with self._lock:
            self.tries += 1
            if self.is_away:
                raise LogUnavailable("the disk is full")
            if self.fails_with:
                raise self.fails_with
            self.batches.append(list(batch))

    @property
    def rows(self) -> list[NewReject]:
        return [row for batch in self.batches for row in batch]

    @property
    def names(self) -> list[str]:
        return [row.request_id for row in self.rows]
