"""Outcomes of deliveries, written in a transaction that somebody else opened; who waits for them goes on."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, select

from eventlog.database import EventLog
from eventlog.delivery_rows import update_held, upsert
from eventlog.event_rows import lock_events, sum_up
from eventlog.given import is_one_of
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.limits import let_in, read_waiting
from eventlog.lines import leave_lines
from eventlog.outcome import Aftermath, Result
from eventlog.query_plans import unindexed
from eventlog.states import HELD_BACK, UNFINISHED, State
from eventlog.tables import deliveries, events, failures
from eventlog.turns import lock_slots
from eventlog.withdrawal import withdraw_retries

_UNENDED: Final = (*UNFINISHED, *HELD_BACK)

_HANDED_ON: Final = select(deliveries.c.event_seq, deliveries.c.handler).where(
    is_one_of(deliveries.c.event_seq, "seqs"),
    unindexed(deliveries.c.replay) == ORIGINAL_RUN,
    deliveries.c.queue.isnot(None),
)


def _held(table: Table, seq: ColumnElement[int]) -> Select[int]:
    # Locked on PostgreSQL until the commit, so that no sweeper can take the lease in between.
    return (
        select(seq)
        .where(unindexed(table.c.lease) == bindparam("held_by"), is_one_of(seq, "seqs"))
        .order_by(seq)
        .with_for_update(key_share=True)
    )


_HELD_EVENTS: Final = _held(events, events.c.seq)
_HELD_DELIVERIES: Final = _held(deliveries, deliveries.c.event_seq)


def record_results(log: EventLog, connection: Connection, hold: Hold, results: Sequence[Result]) -> Aftermath:
    """Write results whose lease is held, in the caller's transaction; an attempt on record stays as it is."""
    new = _not_on_record(connection, hold, results)
    if not new:
        return Aftermath()
    if hold.by_event:
        upsert(log, connection, hold.replay, new)
    else:
        update_held(connection, hold, new)
    alone = _handed_on_meanwhile(connection, new) if hold.by_event else new
    _record_failures(log, connection, hold.replay, new)
    if hold.replay != ORIGINAL_RUN:
        withdraw_retries(connection, hold.replay, [each.seq for each in new if each.state is State.WAITING])
    return _let_others_on(connection, hold.replay, alone) if alone else Aftermath()


def _let_others_on(connection: Connection, replay: int, results: Sequence[Result]) -> Aftermath:
    """Give their turn to those that wait for the end of these, and sum up the events anew."""
    left = [result for result in results if result.state not in _UNENDED and not result.holds_line]
    woken = leave_lines(connection, [(result.seq, result.handler) for result in left])
    ended: dict[str, int] = {}
    for result in results:
        if result.is_limited:
            ended[result.handler] = ended.get(result.handler, 0) + 1
    # Those of a handler whose limit was taken away, or which this worker lacks, go on as well.
    for handler in read_waiting(connection, {result.handler for result in results} - ended.keys()):
        ended[handler] = sum(result.handler == handler for result in results)
    lock_slots(connection, ended)
    for handler, number in ended.items():
        woken += let_in(connection, handler, number)
    settled = sum_up(connection, {result.seq for result in results}) if replay == ORIGINAL_RUN else []
    return Aftermath(woken=tuple(woken), settled=tuple(settled))


def _handed_on_meanwhile(connection: Connection, results: Sequence[Result]) -> list[Result]:
    """Find those that another worker put in line while this one ran them, knowing of no order yet."""
    seqs = [result.seq for result in results]
    found = {(row.event_seq, row.handler) for row in connection.execute(_HANDED_ON, {"seqs": seqs})}
    return [result for result in results if (result.seq, result.handler) in found] if found else []


def _not_on_record(connection: Connection, hold: Hold, results: Sequence[Result]) -> list[Result]:
    """Leave out failures of attempts that are on record already.

    A handler that committed `ctx.transaction` may crash right after that, and its parent charge it.
    """
    failed = {result.seq for result in results if result.failure is not None}
    if not failed:
        return list(results)
    query = select(
        deliveries.c.event_seq, deliveries.c.handler, deliveries.c.attempts, deliveries.c.lease
    ).where(deliveries.c.event_seq.in_(failed), unindexed(deliveries.c.replay) == hold.replay)
    known = {(row.event_seq, row.handler): row for row in connection.execute(query)}

    def is_new(result: Result) -> bool:
        row = known.get((result.seq, result.handler))
        if row is None or result.failure is None:
            return True
        return bool(row.attempts < result.attempt if hold.by_event else row.lease == hold.lease)

    return [result for result in results if is_new(result)]


def held_seqs(connection: Connection, hold: Hold, seqs: set[int]) -> set[int]:
    """Find those of the events of which something is held still, and lock what is."""
    if hold.sums_up:
        lock_events(connection, seqs)  # events before deliveries, as everywhere
    given = {"held_by": hold.lease, "seqs": list(seqs)}
    return set(connection.execute(_HELD_EVENTS if hold.by_event else _HELD_DELIVERIES, given).scalars())


def _record_failures(log: EventLog, connection: Connection, replay: int, results: Sequence[Result]) -> None:
    rows = [
        {
            "event_seq": result.seq,
            "handler": result.handler,
            "replay": replay,
            "attempt": result.attempt,
            "failed_at": result.started_at + result.duration,
            "error_type": result.failure.error_type,
            "message": result.failure.message,
            "traceback": result.failure.traceback,
            "fingerprint": result.failure.fingerprint,
            "version": result.version,
            "release": result.release,
        }
        for result in results
        if result.failure is not None
    ]
    if rows:
        # A commit whose answer was lost is settled again: the attempt is then on record already.
        connection.execute(log.insert(failures).on_conflict_do_nothing(), rows)
