"""The rows of an outcome, written in a transaction that somebody else opened."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    func,
    not_,
    select,
    update,
)

from eventlog.database import EventLog
from eventlog.delivery_rows import update_held, upsert
from eventlog.given import is_one_of
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.instant import database_now
from eventlog.limits import let_in, read_waiting
from eventlog.lines import leave_lines
from eventlog.outcome import Aftermath, Closing, Result
from eventlog.query_plans import is_at_rest, unindexed
from eventlog.states import HELD_BACK, UNFINISHED, State, summarise
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


_LOCK_EVENTS: Final = (
    select(events.c.seq)
    .where(is_one_of(events.c.seq, "seqs"))
    .order_by(events.c.seq)
    .with_for_update(key_share=True)
)
_HELD_EVENTS: Final = _held(events, events.c.seq)
_HELD_DELIVERIES: Final = _held(deliveries, deliveries.c.event_seq)


def record_results(
    log: EventLog,
    connection: Connection,
    hold: Hold,
    results: Sequence[Result],
) -> Aftermath:
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


def close_events(connection: Connection, lease: str, closings: Sequence[Closing]) -> list[Closing]:
    """Close events; returns those that the deliveries which run alone had ended before."""
    by_state: dict[tuple[State, bool], list[int]] = {}
    for closing in closings:
        by_state.setdefault((closing.state, closing.is_due_now), []).append(closing.seq)
    mixed = [closing.seq for closing in closings if closing.has_lone and closing.state is not State.WAITING]
    for (state, is_due_now), seqs in by_state.items():
        waiting = _LOOK_NOW if is_due_now else _LET_WAIT
        statement = waiting if state is State.WAITING else _END
        connection.execute(statement, {"to_state": state, "held_by": lease, "seqs": seqs})
    return sum_up(connection, mixed)


_NEXT_ATTEMPT: Final = (
    select(func.min(deliveries.c.due_at))
    .where(
        deliveries.c.event_seq == events.c.seq,
        unindexed(deliveries.c.replay) == ORIGINAL_RUN,
        unindexed(deliveries.c.state) == State.WAITING,
        deliveries.c.queue.is_(None),
    )
    .scalar_subquery()
)
_CLOSE: Final = (
    update(events)
    .where(is_one_of(events.c.seq, "seqs"), unindexed(events.c.lease) == bindparam("held_by"))
    .values(state=bindparam("to_state"), lease=None)
)
_END: Final = _CLOSE.values(due_at=None)
_LOOK_NOW: Final = _CLOSE.values(due_at=database_now())
# Where no delivery waits after all, the event is looked at now: it must not wait for ever.
_LET_WAIT: Final = _CLOSE.values(due_at=func.coalesce(_NEXT_ATTEMPT, database_now()))


def lock_events(connection: Connection, seqs: Iterable[int]) -> None:
    connection.execute(_LOCK_EVENTS, {"seqs": list(set(seqs))}).all()


_NEVER: Final = datetime.max.replace(tzinfo=UTC)
# One that is due, and before its retries, still has deliveries to be handed on.
_IS_TO_BE_CLAIMED: Final = and_(
    events.c.state == State.WAITING,
    events.c.due_at.isnot(None),
    events.c.due_at <= bindparam("first_retry"),
)
_SUM_UP: Final = (
    update(events)
    .where(events.c.seq == bindparam("of_seq"), is_at_rest(events), not_(_IS_TO_BE_CLAIMED))
    .values(state=bindparam("to_state"), due_at=bindparam("next_at"))
    .returning(events.c.id)
)


def sum_up(connection: Connection, seqs: Iterable[int]) -> list[Closing]:
    """Set the state of events to what their deliveries add up to; the caller has locked them.

    One that is claimed, or about to be, is left to whoever closes it. Returns those that have ended.
    """
    wanted = set(seqs)
    ended: list[Closing] = []
    if not wanted:
        return ended
    states: dict[int, list[State]] = {seq: [] for seq in wanted}
    retries: dict[int, list[datetime]] = {}
    query = select(deliveries.c.event_seq, deliveries.c.state, deliveries.c.queue, deliveries.c.due_at).where(
        deliveries.c.event_seq.in_(wanted), unindexed(deliveries.c.replay) == ORIGINAL_RUN
    )
    for row in connection.execute(query):
        states[row.event_seq].append(State(row.state))
        if row.state == State.WAITING and row.queue is None and row.due_at is not None:
            retries.setdefault(row.event_seq, []).append(row.due_at)
    for seq, of_event in states.items():
        state = summarise(of_event)
        # What runs alone is due by itself; an event that waits for nothing else has no time of its own.
        unended = state in UNFINISHED
        first_retry = min(retries.get(seq, [_NEVER]))
        given = {
            "of_seq": seq,
            "to_state": State.WAITING if unended else state,
            "first_retry": first_retry,
            "next_at": first_retry if unended and seq in retries else None,
        }
        ids = connection.execute(_SUM_UP, given).scalars()
        ended += [Closing(seq=seq, event_id=event_id, state=state) for event_id in ids if not unended]
    return ended
