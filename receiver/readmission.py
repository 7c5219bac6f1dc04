"""Takes refused requests in after the secret was mended, by the same steps as a fresh one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from eventlog.acceptance import record
from eventlog.arrival import Receipt
from eventlog.database import EventLog
from eventlog.event import Event
from eventlog.rejects import Reject, read_with_bodies, remove
from receiver.admit import admit
from receiver.answer import UNSIGNED, Refusal

Send = Callable[[Sequence[str]], None]
"""Has jobs sent for new events; what it can't send, the sweeper finds."""


class Verdict(StrEnum):
    """What became of a refused request."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    ADMISSIBLE = "would be taken in"
    REFUSED = "still refused"


_VERDICTS: Final[Mapping[Receipt | None, Verdict]] = {
    Receipt.NEW: Verdict.ACCEPTED,
    Receipt.DUPLICATE: Verdict.DUPLICATE,
    Receipt.DIFFERS: Verdict.DUPLICATE,
}
"""Those that are durable; with any other the request stays refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readmission:
    """One refused request, looked at again."""

    reject: Reject
    verdict: Verdict
    event_id: str | None = None
    """None where it is still refused."""
    event_type: str | None = None
    reason: str = ""


def readmit(
    log: EventLog, rejects: Sequence[Reject], *, keys: Sequence[bytes], send: Send, dry_run: bool
) -> Iterator[Readmission]:
    """Verify kept requests with today's keys, and take in those that are signed events.

    What is durable in the log is removed from the ring. Events keep the time at which they first came.
    Raises `LogUnavailable`; what was given before that is done, and the rest can be tried again.
    """
    for batch in read_with_bodies(log, rejects):
        admitted = [(reject, _admit(reject, body, keys)) for reject, body in batch]
        if dry_run:
            yield from (_told(reject, found, Verdict.ADMISSIBLE) for reject, found in admitted)
        else:
            yield from _take_in(log, admitted, send)


def _admit(reject: Reject, body: bytes | None, keys: Sequence[bytes]) -> Event | str:
    """Give the event, or why there is none."""
    if body is None:
        return "its body is not kept"
    admitted = admit(body, reject.signature, keys=keys, now=reject.received_at)
    if not isinstance(admitted, Refusal):
        return admitted
    if admitted.status == UNSIGNED.status:
        return f"its signature does not fit; see: hooks rejects explain {reject.id}"
    return admitted.message


def _take_in(
    log: EventLog, admitted: Sequence[tuple[Reject, Event | str]], send: Send
) -> Iterator[Readmission]:
    taken = [(reject, found) for reject, found in admitted if isinstance(found, Event)]
    receipts = record(log, [event for _, event in taken]) if taken else []
    by_reject = {reject.id: receipt for (reject, _), receipt in zip(taken, receipts, strict=True)}
    durable = [reject_id for reject_id, receipt in by_reject.items() if receipt in _VERDICTS]
    if durable:
        remove(log, durable)
    new = [event.id for reject, event in taken if by_reject[reject.id] is Receipt.NEW]
    if new:
        send(new)
    for reject, found in admitted:
        receipt = by_reject.get(reject.id)
        if receipt is None or receipt in _VERDICTS:
            reason = "with another body, which is kept" if receipt is Receipt.DIFFERS else ""
            yield _told(reject, found, _VERDICTS.get(receipt, Verdict.REFUSED), reason)
        else:
            yield _told(reject, receipt.value, Verdict.REFUSED)


def _told(reject: Reject, found: Event | str, verdict: Verdict, reason: str = "") -> Readmission:
    if isinstance(found, str):
        return Readmission(reject=reject, verdict=Verdict.REFUSED, reason=found)
    return Readmission(
        reject=reject, verdict=verdict, event_id=found.id, event_type=found.type, reason=reason
    )
