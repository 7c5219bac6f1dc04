"""Second step: record. Make a batch of arrivals durable before anyone is answered."""

import time
from collections.abc import Sequence
from typing import Final

from sqlalchemy.exc import DBAPIError

from eventlog import acceptance_postgresql, arrivals_postgresql, arrivals_sqlite
from eventlog.arrival import Arrival, Receipt, arrivals_of, body_rows, by_event_id, event_row, receipts_of
from eventlog.database import EventLog
from eventlog.driver import Cursor
from eventlog.errors import LogUnavailable, RowLocked
from eventlog.event import Event
from eventlog.faults import Fault, classify

_LOCKED_SECONDS: Final = 3.0
"""How long a batch may look for those of its events that other transactions hold up."""


def record(log: EventLog, batch: Sequence[Event]) -> list[Receipt]:
    """Store a batch; tell for each of its events, in order, what became of it.

    Returns when the batch is durable. One event that can't be stored never fails its neighbours.
    Raises `LogUnavailable` when nothing of the batch was stored, as far as is known.
    """
    acceptance = _Acceptance(log)
    try:
        acceptance.take(arrivals_of(batch))
    except LogUnavailable:
        if not acceptance.receipts:
            raise
    return [acceptance.receipts.get(place, Receipt.INTERRUPTED) for place in range(len(batch))]


class _Acceptance:
    """A batch on its way into the log.

    Mostly one transaction takes all of it on SQLite, one statement on PostgreSQL. What fails a transaction is
    searched for by halves. What is committed keeps its receipt, whatever happens to the rest.
    """

    def __init__(self, log: EventLog) -> None:
        self.receipts: dict[int, Receipt] = {}
        """By place in the batch."""
        self._log = log
        self._until = time.monotonic() + _LOCKED_SECONDS

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """Give each of these a receipt. Raises `LogUnavailable`, with receipts for what was stored."""
        if not arrivals:
            return
        try:
            self._store(arrivals)
        except RowLocked:
            if time.monotonic() > self._until:
                raise
            if locked := acceptance_postgresql.find_locked(self._log, self._left_of(arrivals)):
                self.receipts |= {arrival.place: Receipt.LOCKED for arrival in locked}
                self.take(self._left_of(arrivals))
            else:
                self._take_by_halves(self._left_of(arrivals), receipt_of_one=Receipt.LOCKED)
        except DBAPIError as error:
            self._take_by_halves(self._left_of(arrivals), receipt_of_one=_receipt_of_refused(error))
        except (UnicodeError, OverflowError):  # the driver could not even send a value
            self._take_by_halves(self._left_of(arrivals), receipt_of_one=Receipt.NOT_STORABLE)

    def _take_by_halves(self, arrivals: Sequence[Arrival], *, receipt_of_one: Receipt) -> None:
        if len(arrivals) == 1:
            self.receipts[arrivals[0].place] = receipt_of_one
            return
        middle = len(arrivals) // 2
        self.take(arrivals[:middle])
        self.take(arrivals[middle:])

    def _left_of(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        return [arrival for arrival in arrivals if arrival.place not in self.receipts]

    def _store(self, arrivals: Sequence[Arrival]) -> None:
        if not self._log.is_sqlite:
            for way in (acceptance_postgresql.store_new, acceptance_postgresql.count_copies_of_known):
                try:
                    self.receipts |= way(self._log, arrivals)
                except DBAPIError as error:
                    if classify(error) is not Fault.COLLISION:
                        raise
                arrivals = self._left_of(arrivals)
        if arrivals:
            self._store_in_transaction(arrivals)

    def _store_in_transaction(self, arrivals: Sequence[Arrival]) -> None:
        copies = by_event_id(arrivals)
        rows = [event_row(of_event) for of_event in copies.values()]
        sql = arrivals_sqlite if self._log.is_sqlite else arrivals_postgresql

        def write(cursor: Cursor) -> dict[int, Receipt]:
            written = sql.write_events(cursor, rows)
            sql.count_repeats(cursor, [(seq, len(copies[id_])) for id_, (seq, _) in written.known.items()])
            sql.keep_bodies(cursor, body_rows(copies, written))
            return receipts_of(copies, written)

        self.receipts |= self._log.write_by_driver_again_after_collisions(write)


def _receipt_of_refused(error: DBAPIError) -> Receipt:
    """Tell of a refused row; raises an error that has another cause."""
    fault = classify(error)
    if fault is Fault.CONTRADICTION:
        # No arrival can bring that about: the log is a copy that is not whole, and a refusal would be final.
        raise LogUnavailable(f"the event log contradicts itself: {error.orig}") from error
    if fault is not Fault.BAD_ROW:
        raise error
    return Receipt.NOT_STORABLE
