"""Second step: record. Write a batch of arrivals in one transaction, durable before anyone is answered."""

import hashlib
import time
from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from eventlog import arrivals_postgresql, arrivals_sqlite
from eventlog.arrival_rows import BodyRow, EventRow, Written
from eventlog.database import EventLog
from eventlog.driver import Cursor
from eventlog.errors import LogUnavailable, RowLocked
from eventlog.event import Event
from eventlog.faults import Fault, classify
from eventlog.instant import as_stored
from eventlog.tables import events


class Receipt(Enum):
    """What became of an arrival."""

    NEW = "accepted"
    DUPLICATE = "the same event again"
    DIFFERS = "the same event again, with another body, which is kept"
    REFUSED = "the database refuses to store it"
    LOCKED = "another transaction holds its row; nothing was stored"
    INTERRUPTED = "the log could not be used any more when its turn came"


_LOCKED_SECONDS: Final = 3.0
"""How long a batch may look for those of its events that other transactions hold up."""


class _Arrival(msgspec.Struct, frozen=True, kw_only=True):
    place: int
    event: Event
    digest: bytes


def record(log: EventLog, batch: Sequence[Event]) -> list[Receipt]:
    """Store a batch; tell for each of its events, in order, what became of it.

    Returns when the batch is durable. One event that can't be stored never fails its neighbours.
    Raises `LogUnavailable` when nothing of the batch was stored, as far as is known.
    """
    arrivals = [
        _Arrival(place=place, event=event, digest=hashlib.sha256(event.body).digest())
        for place, event in enumerate(batch)
    ]
    receipts: dict[int, Receipt] = {}
    try:
        _record_or_part(log, arrivals, receipts, until=time.monotonic() + _LOCKED_SECONDS)
    except LogUnavailable:
        if not receipts:
            raise
    return [receipts.get(place, Receipt.INTERRUPTED) for place in range(len(batch))]


def _record_or_part(
    log: EventLog, arrivals: list[_Arrival], receipts: dict[int, Receipt], *, until: float
) -> None:
    if not arrivals:
        return
    try:
        _record(log, arrivals, receipts)
    except RowLocked:
        if time.monotonic() > until:
            raise
        left = _without(receipts, arrivals)
        if locked := _locked_ids(log, left):
            receipts |= {each.place: Receipt.LOCKED for each in left if each.event.id in locked}
            _record_or_part(log, _without(receipts, left), receipts, until=until)
            return
        alone = Receipt.LOCKED
    except DBAPIError as error:
        alone = _refusal(error)
    except (UnicodeError, OverflowError):
        alone = Receipt.REFUSED  # the driver could not even send a value
    else:
        return
    left = _without(receipts, arrivals)
    if len(left) == 1:
        receipts[left[0].place] = alone
        return
    middle = len(left) // 2
    _record_or_part(log, left[:middle], receipts, until=until)
    _record_or_part(log, left[middle:], receipts, until=until)


def _refusal(error: DBAPIError) -> Receipt:
    """Tell of a refused row; raises an error that has another cause."""
    fault = classify(error)
    if fault is Fault.CONTRADICTION:
        # No arrival can bring that about: the log is a copy that is not whole, and a refusal would be final.
        raise LogUnavailable(f"the event log contradicts itself: {error.orig}") from error
    if fault is not Fault.BAD_ROW:
        raise error
    return Receipt.REFUSED


def _without(receipts: dict[int, Receipt], arrivals: list[_Arrival]) -> list[_Arrival]:
    return [arrival for arrival in arrivals if arrival.place not in receipts]


def _record(log: EventLog, arrivals: list[_Arrival], receipts: dict[int, Receipt]) -> None:
    if not log.is_sqlite:
        for take in (_insert_new, _count_copies_of_known):
            try:
                receipts |= take(log, arrivals)
            except DBAPIError as error:
                if classify(error) is not Fault.COLLISION:
                    raise
            arrivals = _without(receipts, arrivals)
    if arrivals:
        copies = _copies(arrivals)
        rows = [_row(group) for group in copies.values()]
        receipts |= log.write_by_driver_again_after_collisions(
            lambda cursor: _insert(log, cursor, copies, rows)
        )


def _insert_new(log: EventLog, arrivals: list[_Arrival]) -> dict[int, Receipt]:
    """Store those that are new to PostgreSQL and came once, by one statement; the rest stays as it was."""
    came_once = {id_: group[0] for id_, group in _copies(arrivals).items() if len(group) == 1}
    if not came_once:
        return {}
    with log.write_single_statements() as cursor:
        new = arrivals_postgresql.write_events_with_bodies(
            cursor,
            [_row([arrival]) for arrival in came_once.values()],
            [arrival.event.body for arrival in came_once.values()],
        )
    return {came_once[id_].place: Receipt.NEW for id_ in new}


def _count_copies_of_known(log: EventLog, arrivals: list[_Arrival]) -> dict[int, Receipt]:
    """Count those that PostgreSQL has with the same body, by one statement; the rest stays as it was."""
    groups = {id_: group for id_, group in _copies(arrivals).items() if len({a.digest for a in group}) == 1}
    if not groups:
        return {}
    with log.write_single_statements() as cursor:
        counted = arrivals_postgresql.count_copies(
            cursor, [(id_, group[0].digest, len(group)) for id_, group in groups.items()]
        )
    return {arrival.place: Receipt.DUPLICATE for id_ in counted for arrival in groups[id_]}


def _locked_ids(log: EventLog, arrivals: list[_Arrival]) -> set[str]:
    """Find those of the batch that are known, and whose rows another transaction holds."""
    known = select(events.c.id).where(events.c.id.in_({arrival.event.id for arrival in arrivals}))
    free = known.with_for_update(key_share=True, skip_locked=True)
    with log.write() as connection:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{arrivals_postgresql.LOCK_TIMEOUT}'")
        return set(connection.execute(known).scalars()) - set(connection.execute(free).scalars())


def _insert(
    log: EventLog, cursor: Cursor, copies: dict[str, list[_Arrival]], rows: list[EventRow]
) -> dict[int, Receipt]:
    sql = arrivals_sqlite if log.is_sqlite else arrivals_postgresql
    written = sql.write_events(cursor, rows)
    sql.count_repeats(cursor, [(seq, len(copies[id_])) for id_, (seq, _) in written.known.items()])
    sql.keep_bodies(cursor, _bodies(copies, written))
    return _receipts(copies, written)


def _copies(arrivals: list[_Arrival]) -> dict[str, list[_Arrival]]:
    """Give the arrivals of each event, by id."""
    copies: dict[str, list[_Arrival]] = {}
    # Sorted, because two batches that insert the same ids in other orders deadlock each other on PostgreSQL.
    for arrival in sorted(arrivals, key=_by_id):
        copies.setdefault(arrival.event.id, []).append(arrival)
    return copies


def _by_id(arrival: _Arrival) -> tuple[str, int]:
    return arrival.event.id, arrival.place


def _row(group: list[_Arrival]) -> EventRow:
    first = group[0]
    event = first.event
    return (
        event.id,
        event.type,
        event.subject,
        None if event.created_at is None else as_stored(event.created_at),
        as_stored(event.received_at),
        first.digest,
        len(group),
    )


def _bodies(copies: dict[str, list[_Arrival]], written: Written) -> list[BodyRow]:
    rows: dict[tuple[int, bytes], BodyRow] = {}
    for event_id, group in copies.items():
        seq = written.seq_of(event_id)
        for arrival in group:
            # Of equal bodies the first to arrive is kept.
            key = (seq, arrival.digest)
            if key not in rows:
                rows[key] = (*key, as_stored(arrival.event.received_at), arrival.event.body)
    return list(rows.values())


def _receipts(copies: dict[str, list[_Arrival]], written: Written) -> dict[int, Receipt]:
    receipts = {}
    for event_id, group in copies.items():
        is_new = event_id in written.new
        first_digest = group[0].digest if is_new else written.known[event_id][1]
        for arrival in group:
            same = arrival.digest == first_digest
            receipts[arrival.place] = Receipt.DUPLICATE if same else Receipt.DIFFERS
        if is_new:
            receipts[group[0].place] = Receipt.NEW
    return receipts
