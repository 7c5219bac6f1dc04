"""The rows of an outcome, written in a transaction that somebody else opened."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, select, update

from eventlog.database import EventLog
from eventlog.instant import database_now, database_now_plus, microseconds
from eventlog.leases import ORIGINAL_RUN
from eventlog.outcome import Closing, Result
from eventlog.states import State
from eventlog.tables import deliveries, events, failures


def record_results(
    log: EventLog, connection: Connection, *, replay: int, lease: str, results: Sequence[Result]
) -> None:
    """Write results whose lease is held, in the caller's transaction; an attempt on record stays as it is."""
    new = _not_on_record(connection, replay, lease, results)
    if new:
        (_upsert if replay == ORIGINAL_RUN else _update)(log, connection, replay, lease, new)
        _record_failures(log, connection, replay, new)


def _not_on_record(
    connection: Connection, replay: int, lease: str, results: Sequence[Result]
) -> list[Result]:
    """Leave out failures of attempts that are on record already.

    A handler that committed `ctx.transaction` may crash right after that, and its parent charge it.
    """
    failed = {result.seq for result in results if result.failure is not None}
    if not failed:
        return list(results)
    query = select(
        deliveries.c.event_seq, deliveries.c.handler, deliveries.c.attempts, deliveries.c.lease
    ).where(deliveries.c.event_seq.in_(failed), deliveries.c.replay == replay)
    known = {(row.event_seq, row.handler): row for row in connection.execute(query)}

    def is_new(result: Result) -> bool:
        row = known.get((result.seq, result.handler))
        if row is None or result.failure is None:
            return True
        return bool(row.attempts < result.attempt if replay == ORIGINAL_RUN else row.lease == lease)

    return [result for result in results if is_new(result)]


def held_seqs(connection: Connection, replay: int, lease: str, seqs: set[int]) -> set[int]:
    table, seq = (events, events.c.seq) if replay == ORIGINAL_RUN else (deliveries, deliveries.c.event_seq)
    # Locked on PostgreSQL until the commit, so that no sweeper can take the lease in between.
    query = (
        select(seq).where(table.c.lease == lease, seq.in_(seqs)).order_by(seq).with_for_update(key_share=True)
    )
    return set(connection.execute(query).scalars())


def _columns(result: Result) -> dict[str, Any]:
    return {
        "state": result.state,
        "attempts": result.attempt,
        "failures": result.failures,
        "started_at": result.started_at,
        "duration_us": microseconds(result.duration),
        "version": result.version,
        "note": result.note,
    }


def _upsert(
    log: EventLog, connection: Connection, replay: int, _lease: str, results: Sequence[Result]
) -> None:
    names = (*_columns(results[0]), "due_at")
    for group in ([r for r in results if r.retry_in is None], [r for r in results if r.retry_in is not None]):
        if not group:
            continue
        due_at = None if group[0].retry_in is None else database_now_plus("delay_us")
        statement = log.insert(deliveries).values(due_at=due_at)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["event_seq", "handler", "replay"],
                set_={name: statement.excluded[name] for name in names},
                where=deliveries.c.attempts < statement.excluded.attempts,
            ),
            [
                {"event_seq": result.seq, "handler": result.handler, "replay": replay}
                | _columns(result)
                | ({} if result.retry_in is None else {"delay_us": microseconds(result.retry_in)})
                for result in group
            ],
        )


def _update(
    _log: EventLog, connection: Connection, replay: int, lease: str, results: Sequence[Result]
) -> None:
    statement = (
        update(deliveries)
        .where(
            deliveries.c.event_seq == bindparam("of_event"),
            deliveries.c.handler == bindparam("of_handler"),
            deliveries.c.replay == replay,
            deliveries.c.lease == lease,
        )
        .values(
            lease=None,
            due_at=case((bindparam("waits"), database_now_plus("delay_us")), else_=None),
        )
    )
    connection.execute(
        statement,
        [
            {
                "of_event": result.seq,
                "of_handler": result.handler,
                "waits": result.retry_in is not None,
                "delay_us": microseconds(result.retry_in or timedelta(0)),
            }
            | _columns(result)
            for result in results
        ],
    )


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
        }
        for result in results
        if result.failure is not None
    ]
    if rows:
        # A commit whose answer was lost is settled again: the attempt is then on record already.
        connection.execute(log.insert(failures).on_conflict_do_nothing(), rows)


def close_events(connection: Connection, lease: str, closings: Sequence[Closing]) -> None:
    by_state: dict[State, list[int]] = {}
    for closing in closings:
        by_state.setdefault(closing.state, []).append(closing.seq)
    next_attempt = (
        select(func.min(deliveries.c.due_at))
        .where(
            deliveries.c.event_seq == events.c.seq,
            deliveries.c.replay == ORIGINAL_RUN,
            deliveries.c.state == State.WAITING,
        )
        .scalar_subquery()
    )
    for state, seqs in by_state.items():
        connection.execute(
            update(events)
            .where(events.c.seq.in_(seqs), events.c.lease == lease)
            .values(
                state=state,
                lease=None,
                # Where no delivery waits after all, the event is looked at now: it must not wait for ever.
                due_at=func.coalesce(next_attempt, database_now()) if state is State.WAITING else None,
            )
        )
