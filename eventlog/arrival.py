"""An event that arrived, among the others of its batch, and what became of it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

import msgspec

from eventlog.arrival_rows import BodyRow, EventRow, Written
from eventlog.event import Event
from eventlog.instant import as_stored


class Receipt(Enum):
    """What became of an arrival."""

    NEW = "accepted"
    DUPLICATE = "the same event again"
    DIFFERS = "the same event again, with another body, which is kept"
    NOT_STORABLE = "the database refuses to store it"
    LOCKED = "another transaction holds its row; nothing was stored"
    INTERRUPTED = "the log could not be used any more when its turn came"


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a batch; several may have the same id."""

    place: int
    """In the batch."""
    event: Event
    digest: bytes
    """The body's SHA-256."""


def arrivals_of(batch: Sequence[Event]) -> list[Arrival]:
    return [
        Arrival(place=place, event=event, digest=hashlib.sha256(event.body).digest())
        for place, event in enumerate(batch)
    ]


def by_event_id(arrivals: Iterable[Arrival]) -> dict[str, list[Arrival]]:
    """Give the arrivals of each event, in the order in which they came."""
    copies: dict[str, list[Arrival]] = {}
    # Sorted, because two batches that insert the same ids in other orders deadlock each other on PostgreSQL.
    for arrival in sorted(arrivals, key=_by_id):
        copies.setdefault(arrival.event.id, []).append(arrival)
    return copies


def _by_id(arrival: Arrival) -> tuple[str, int]:
    return arrival.event.id, arrival.place


def event_row(copies: Sequence[Arrival]) -> EventRow:
    """Give the row of an event that came so many times at once."""
    first = copies[0]
    event = first.event
    return (
        event.id,
        event.type,
        event.subject,
        None if event.created_at is None else as_stored(event.created_at),
        as_stored(event.received_at),
        first.digest,
        len(copies),
    )


def body_rows(copies: Mapping[str, Sequence[Arrival]], written: Written) -> list[BodyRow]:
    """Give the rows of all bodies that differ; of equal ones the first to arrive."""
    rows: dict[tuple[int, bytes], BodyRow] = {}
    for event_id, of_event in copies.items():
        seq = written.seq_of(event_id)
        for arrival in of_event:
            key = (seq, arrival.digest)
            if key not in rows:
                rows[key] = (*key, as_stored(arrival.event.received_at), arrival.event.body)
    return list(rows.values())


def receipts_of(copies: Mapping[str, Sequence[Arrival]], written: Written) -> dict[int, Receipt]:
    """Tell by place what became of arrivals that were written."""
    receipts = {}
    for event_id, of_event in copies.items():
        is_new = event_id in written.new
        first_digest = of_event[0].digest if is_new else written.known[event_id][1]
        for arrival in of_event:
            same = arrival.digest == first_digest
            receipts[arrival.place] = Receipt.DUPLICATE if same else Receipt.DIFFERS
        if is_new:
            receipts[of_event[0].place] = Receipt.NEW
    return receipts
