"""Second step: record. Write a batch of arrivals in one transaction, durable before anyone is answered."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import DBAPIError

from eventlog.database import EventLog
from eventlog.errors import RowLocked
from eventlog.event import Event
from eventlog.faults import Fault, classify
from eventlog.instant import database_now_plus
from eventlog.open_transactions import announce_intake
from eventlog.states import State
from eventlog.tables import bodies, events

REQUEUE_GRACE: Final = timedelta(seconds=5)
"""How long a queued event may stay unclaimed before the sweeper sends a job for it again."""


class Receipt(Enum):
    """What became of an arrival."""

    NEW = "accepted"
    DUPLICATE = "the same event again"
    DIFFERS = "the same event again, with another body, which is kept"
    REFUSED = "the database refuses to store it"
    LOCKED = "another transaction holds its row; nothing was stored"


_LOCKED_SECONDS: Final = 3.0
"""How long a batch may look for those of its events that other transactions hold up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    place: int
    event: Event
    digest: bytes


def record(log: EventLog, batch: Sequence[Event]) -> list[Receipt]:
    """Store a batch; tell for each of its events, in order, what became of it.

    Returns when the batch is durable. One event that can't be stored never fails its neighbours.
    Raises `LogUnavailable`; nothing of the batch may then be acknowledged.
    """
    arrivals = [
        _Arrival(place=place, event=event, digest=hashlib.sha256(event.body).digest())
        for place, event in enumerate(batch)
    ]
    receipts = _record_or_part(log, arrivals, until=time.monotonic() + _LOCKED_SECONDS)
    return [receipts[place] for place in range(len(batch))]


def _record_or_part(log: EventLog, arrivals: list[_Arrival], *, until: float) -> dict[int, Receipt]:
    if not arrivals:
        return {}
    try:
        return log.write_again_after_collisions(lambda connection: _insert(log, connection, arrivals))
    except RowLocked:
        if time.monotonic() > until:
            raise
        if locked := _locked_ids(log, arrivals):
            free = [arrival for arrival in arrivals if arrival.event.id not in locked]
            held = {arrival.place: Receipt.LOCKED for arrival in arrivals if arrival.event.id in locked}
            return held | _record_or_part(log, free, until=until)
        alone = Receipt.LOCKED
    except DBAPIError as error:
        if classify(error) is not Fault.BAD_ROW:
            raise
        alone = Receipt.REFUSED
    except (UnicodeError, OverflowError):
        alone = Receipt.REFUSED  # the driver could not even send a value
    if len(arrivals) == 1:
        return {arrivals[0].place: alone}
    middle = len(arrivals) // 2
    first = _record_or_part(log, arrivals[:middle], until=until)
    return first | _record_or_part(log, arrivals[middle:], until=until)


def _locked_ids(log: EventLog, arrivals: list[_Arrival]) -> set[str]:
    """Find those of the batch that are known, and whose rows another transaction holds."""
    known = select(events.c.id).where(events.c.id.in_({arrival.event.id for arrival in arrivals}))
    free = known.with_for_update(key_share=True, skip_locked=True)
    with log.write() as connection:
        announce_intake(connection)
        return set(connection.execute(known).scalars()) - set(connection.execute(free).scalars())


def _insert(log: EventLog, connection: Connection, arrivals: list[_Arrival]) -> dict[int, Receipt]:
    announce_intake(connection)
    copies: dict[str, list[_Arrival]] = {}
    # Sorted, because two batches that insert the same ids in other orders deadlock each other on PostgreSQL.
    for arrival in sorted(arrivals, key=lambda arrival: (arrival.event.id, arrival.place)):
        copies.setdefault(arrival.event.id, []).append(arrival)

    new = _insert_new(log, connection, copies)
    known = _read_known(connection, [event_id for event_id in copies if event_id not in new])
    _count_repeats(connection, copies, known)
    seqs = {event_id: (seq, copies[event_id][0].digest) for event_id, seq in new.items()} | known
    _keep_bodies(log, connection, copies, seqs)

    receipts = {}
    for event_id, group in copies.items():
        first_digest = seqs[event_id][1]
        for arrival in group:
            same = arrival.digest == first_digest
            receipts[arrival.place] = Receipt.DUPLICATE if same else Receipt.DIFFERS
        if event_id in new:
            receipts[group[0].place] = Receipt.NEW
    return receipts


def _insert_new(log: EventLog, connection: Connection, copies: dict[str, list[_Arrival]]) -> dict[str, int]:
    statement = (
        log.insert(events)
        .values(due_at=database_now_plus(REQUEUE_GRACE))
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(events.c.id, events.c.seq)
    )
    rows = [
        {
            "id": event_id,
            "type": group[0].event.type,
            "subject": group[0].event.subject,
            "created_at": group[0].event.created_at,
            "received_at": group[0].event.received_at,
            "body_sha256": group[0].digest,
            "state": State.QUEUED,
            "seen": len(group),
        }
        for event_id, group in copies.items()
    ]
    return {row.id: row.seq for row in connection.execute(statement, rows)}


def _read_known(connection: Connection, ids: list[str]) -> dict[str, tuple[int, bytes]]:
    if not ids:
        return {}
    query = select(events.c.id, events.c.seq, events.c.body_sha256).where(events.c.id.in_(ids))
    return {event_id: (seq, digest) for event_id, seq, digest in connection.execute(query)}


def _count_repeats(
    connection: Connection, copies: dict[str, list[_Arrival]], known: dict[str, tuple[int, bytes]]
) -> None:
    if known:
        connection.execute(
            update(events)
            .where(events.c.seq == bindparam("known_seq"))
            .values(seen=events.c.seen + bindparam("times")),
            [{"known_seq": known[event_id][0], "times": len(copies[event_id])} for event_id in sorted(known)],
        )


def _keep_bodies(
    log: EventLog,
    connection: Connection,
    copies: dict[str, list[_Arrival]],
    seqs: dict[str, tuple[int, bytes]],
) -> None:
    rows = {
        (seqs[event_id][0], arrival.digest): {
            "event_seq": seqs[event_id][0],
            "sha256": arrival.digest,
            "received_at": arrival.event.received_at,
            "body": arrival.event.body,
        }
        for event_id, group in copies.items()
        for arrival in reversed(group)  # of equal bodies the first to arrive is kept
    }
    if rows:
        connection.execute(log.insert(bodies).on_conflict_do_nothing(), list(rows.values()))
