"""A handler's own rows and the outcome of its delivery, in one transaction: both are kept, or neither is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

# Not loaded when a handler first asks for it: another thread that builds a statement at that moment fails.
from sqlalchemy.orm import Session

from eventlog.database import EventLog
from eventlog.errors import CommitUnknown, LeaseLost, LogUnavailable
from eventlog.event_rows import lock_events
from eventlog.faults import Fault, classify
from eventlog.hold import Hold
from eventlog.outcome import AfterCommit, Result, do_nothing
from eventlog.outcome_rows import record_results
from eventlog.tables import deliveries, events

__all__ = ["OutcomeTransaction", "Session", "begin"]

_LAST_RESORT_SECONDS: Final = 1.0
_TRANSACTION_TIMEOUT_SINCE: Final = (17,)


class OutcomeTransaction:
    """One that is open; undone unless committed."""

    def __init__(
        self, log: EventLog, connection: Connection, hold: Hold, *, after_commit: AfterCommit
    ) -> None:
        self._log = log
        self._connection = connection
        self._hold = hold
        self._after_commit = after_commit
        # In a savepoint: the user's own commit() and rollback() end that, and never our transaction.
        self.session = Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)

    def commit(self, result: Result) -> None:
        """Keep the session's rows, with the result of the delivery that wrote them.

        Raises `LeaseLost` or `LogUnavailable`, and then nothing is kept; `CommitUnknown` where the answer to
        the commit was lost; and whatever the rows themselves raise.
        """
        self.session.commit()
        self.session.close()
        try:
            # Locked only now: a lock on the event through the block would hold up the intake of its copies.
            if self._hold.sums_up:
                lock_events(self._connection, [result.seq])
            _require_lease(self._connection, self._hold, result.seq, result.handler, lock=True)
            aftermath = record_results(self._log, self._connection, self._hold, [result])
        except DBAPIError as error:
            raise LogUnavailable(f"the outcome could not be recorded: {error.orig}") from error
        try:
            self._connection.commit()
        except DBAPIError as error:
            if classify(error) is not Fault.UNAVAILABLE:
                raise  # the rows were refused at the last moment, as by a deferred constraint
            if self._log.is_sqlite:
                raise LogUnavailable(f"the transaction could not be committed: {error.orig}") from error
            raise CommitUnknown(f"nobody knows whether it was committed: {error.orig}") from error
        self._after_commit(aftermath)


@contextmanager
def begin(
    log: EventLog,
    hold: Hold,
    *,
    seq: int,
    handler: str,
    seconds: float,
    after_commit: AfterCommit = do_nothing,
) -> Iterator[OutcomeTransaction]:
    """Open a transaction for a delivery that is held; `after_commit` is told of its aftermath.

    Raises `LogUnavailable`, `LeaseLost` before the block begins; errors in the block stay as they are.
    """
    with log.write_for_a_handler() as connection:
        try:
            if not log.is_sqlite:
                _limit(connection, seconds + _LAST_RESORT_SECONDS)
            _require_lease(connection, hold, seq, handler, lock=False)
        except DBAPIError as error:
            raise LogUnavailable(f"the event log can't be used: {error.orig}") from error
        transaction = OutcomeTransaction(log, connection, hold, after_commit=after_commit)
        try:
            yield transaction
        finally:
            transaction.session.close()


def _limit(connection: Connection, seconds: float) -> None:
    """Let PostgreSQL end the transaction, should its process be unable to: it hangs, or is stopped."""
    names = ["statement_timeout", "idle_in_transaction_session_timeout"]
    if (connection.dialect.server_version_info or ()) >= _TRANSACTION_TIMEOUT_SINCE:
        names.append("transaction_timeout")
    milliseconds = str(round(seconds * 1000))
    connection.execute(select(*(func.set_config(name, milliseconds, True) for name in names)))


def _require_lease(connection: Connection, hold: Hold, seq: int, handler: str, *, lock: bool) -> None:
    if hold.by_event:
        query = select(events.c.seq).where(events.c.seq == seq, events.c.lease == hold.lease)
    else:
        query = select(deliveries.c.id).where(
            deliveries.c.event_seq == seq,
            deliveries.c.handler == handler,
            deliveries.c.replay == hold.replay,
            deliveries.c.lease == hold.lease,
        )
    if connection.execute(query.with_for_update(key_share=True) if lock else query).first() is None:
        raise LeaseLost(
            "the lease of this delivery was lost: another worker may run it, so nothing is written"
        )
