"""Last step: settle. Record what came of each delivery, and of each event whose run is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, select, update

from eventlog.database import EventLog
from eventlog.instant import database_now_plus, microseconds
from eventlog.leases import ORIGINAL_RUN
from eventlog.states import State
from eventlog.tables import deliveries, events, failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt failed, as text that both databases can hold."""

    error_type: str
    message: str
    traceback: str
    fingerprint: str
    """Alike for failures of one cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one attempt at one delivery."""

    seq: int
    handler: str
    attempt: int
    failures: int
    """Attempts so far that count against the retries, this one included."""
    state: State
    started_at: datetime
    duration: timedelta
    retry_in: timedelta | None = None
    """Until the next attempt; only where the state is waiting."""
    version: str | None = None
    note: str | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """An event whose original run has nothing left to do now."""

    seq: int
    event_id: str
    state: State


def settle(
    log: EventLog, *, replay: int, lease: str, results: Sequence[Result], closings: Sequence[Closing] = ()
) -> set[int]:
    """Record results, and close events, as far as the lease still holds them.

    Returns the seqs of events whose lease was lost: nothing was written about those.
    """
    wanted = {result.seq for result in results} | {closing.seq for closing in closings}

    def work(connection: Connection) -> set[int]:
        held = _held(connection, replay, lease, wanted)
        kept = [result for result in results if result.seq in held]
        if kept:
            (_upsert if replay == ORIGINAL_RUN else _update)(log, connection, replay, lease, kept)
            _record_failures(log, connection, replay, kept)
        _close(connection, lease, [closing for closing in closings if closing.seq in held])
        return wanted - held

    return log.write_again_after_collisions(work)


def _held(connection: Connection, replay: int, lease: str, seqs: set[int]) -> set[int]:
    table, seq = (events, events.c.seq) if replay == ORIGINAL_RUN else (deliveries, deliveries.c.event_seq)
    # Locked on PostgreSQL until the commit, so that no sweeper can take the lease in between.
    query = select(seq).where(table.c.lease == lease, seq.in_(seqs)).order_by(seq).with_for_update()
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


def _close(connection: Connection, lease: str, closings: Sequence[Closing]) -> None:
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
            .values(state=state, lease=None, due_at=next_attempt if state is State.WAITING else None)
        )
