"""Fourth step: claim. Who may run an event now, and until when.

A claim marks its rows with a random lease token. Whatever is written about them afterwards names that token;
when the lease was lost meanwhile it matches no row, and so changes nothing.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select, update
from sqlalchemy.engine import Row

from eventlog.acceptance import REQUEUE_GRACE
from eventlog.database import EventLog
from eventlog.errors import RowLocked
from eventlog.event import Event
from eventlog.instant import database_now, database_now_plus
from eventlog.query_plans import unindexed
from eventlog.states import State
from eventlog.tables import bodies, deliveries, events

ORIGINAL_RUN: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorDelivery:
    """What is known of a delivery before this claim runs it."""

    handler: str
    state: State
    attempts: int
    failures: int
    is_due: bool
    """Whether it is to run now; of an event's deliveries some may be finished or due later."""
    queue: str | None = None
    """Where it is claimed without its event; None where it runs together with the others of its run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One event that this worker may run, with what earlier attempts left."""

    seq: int
    event: Event
    prior: tuple[PriorDelivery, ...]


def new_lease() -> str:
    return secrets.token_hex(16)


def held_rows(replay: int, queue: str | None) -> tuple[Table, ColumnElement[int]]:
    """Give the table whose rows a lease holds, and its column of seqs.

    An original run is claimed by its event. The deliveries of a replay are claimed, and those that run alone:
    they name the `queue` that they are claimed in.
    """
    if replay == ORIGINAL_RUN and queue is None:
        return events, events.c.seq
    return deliveries, deliveries.c.event_seq


def claim(
    log: EventLog, ids: Sequence[str], *, replay: int, lease: str, duration: timedelta
) -> list[Claimed]:
    """Claim those of the events that are queued, in order of arrival.

    In a replay its deliveries are claimed, not the events. One whose row another transaction holds for long
    is left to the sweeper, and does not keep the others waiting again. Raises `LogUnavailable`.
    """
    table, seq, wanted = _queued(ids, replay)

    def work(connection: Connection, *, which: ColumnElement[bool] = wanted) -> list[Claimed]:
        statement = (
            update(table)
            .where(which)
            .values(state=State.RUNNING, lease=lease, due_at=database_now_plus(duration))
            .returning(seq)
        )
        seqs = sorted(set(connection.execute(statement).scalars()))
        return load(connection, seqs, replay, lease) if seqs else []

    try:
        return log.write_again_after_collisions(work)
    except RowLocked:
        key = next(iter(table.primary_key))
        free = select(key).where(wanted).with_for_update(key_share=True, skip_locked=True)
        return log.write_again_after_collisions(partial(work, which=key.in_(free.scalar_subquery())))


def _queued(ids: Sequence[str], replay: int) -> tuple[Table, ColumnElement[int], ColumnElement[bool]]:
    """Give the table whose rows a run claims, its column of seqs, and the condition for its queued rows."""
    if replay == ORIGINAL_RUN:
        return events, events.c.seq, and_(events.c.id.in_(ids), events.c.state == State.QUEUED)
    queued = and_(
        deliveries.c.event_seq.in_(select(events.c.seq).where(events.c.id.in_(ids))),
        unindexed(deliveries.c.replay) == replay,
        deliveries.c.queue.is_(None),
        unindexed(deliveries.c.state) == State.QUEUED,
    )
    return deliveries, deliveries.c.event_seq, queued


def load(connection: Connection, seqs: Sequence[int], replay: int, lease: str) -> list[Claimed]:
    """Read claimed events, and what earlier attempts left; what the lease holds of it is due."""
    first_body = and_(bodies.c.event_seq == events.c.seq, bodies.c.sha256 == events.c.body_sha256)
    query = (
        select(events, bodies.c.body)
        .outerjoin_from(events, bodies, first_body)
        .where(events.c.seq.in_(seqs))
        .order_by(events.c.seq)
    )
    prior = _prior_deliveries(connection, seqs, replay, lease)
    return [
        Claimed(seq=row.seq, event=event_of(row), prior=tuple(prior.get(row.seq, ())))
        for row in connection.execute(query)
    ]


def _prior_deliveries(
    connection: Connection, seqs: Sequence[int], replay: int, lease: str
) -> dict[int, list[PriorDelivery]]:
    is_due = or_(
        and_(
            deliveries.c.state == State.WAITING,
            deliveries.c.due_at <= database_now(),
            deliveries.c.queue.is_(None),
        ),
        deliveries.c.lease == lease,
    )
    query = select(deliveries, func.coalesce(is_due, False).label("is_due")).where(
        deliveries.c.event_seq.in_(seqs), unindexed(deliveries.c.replay) == replay
    )
    prior: dict[int, list[PriorDelivery]] = {}
    for row in connection.execute(query):
        prior.setdefault(row.event_seq, []).append(
            PriorDelivery(
                handler=row.handler,
                state=State(row.state),
                attempts=row.attempts,
                failures=row.failures,
                is_due=bool(row.is_due),
                queue=row.queue,
            )
        )
    return prior


def event_of(row: Row[Any]) -> Event:
    """Make the event of a row of `events` with its first body."""
    return Event(
        id=row.id,
        type=row.type,
        subject=row.subject,
        created_at=row.created_at,
        received_at=row.received_at,
        body=row.body or b"",
    )


def holds(log: EventLog, *, replay: int, lease: str, seq: int, queue: str | None = None) -> bool:
    """Tell whether a lease still holds an event, or any of the event's deliveries."""
    table, key = held_rows(replay, queue)
    query = select(key).where(table.c.lease == lease, key == seq).limit(1)
    with log.read() as connection:
        return connection.execute(query).first() is not None


def renew(log: EventLog, *, replay: int, lease: str, duration: timedelta, queue: str | None = None) -> None:
    """Put off the end of a lease on all that it still holds."""
    table, _ = held_rows(replay, queue)
    statement = (
        update(table)
        .where(table.c.lease == lease, table.c.state == State.RUNNING)
        .values(due_at=database_now_plus(duration))
    )
    log.write_again_after_collisions(lambda connection: connection.execute(statement))


def hand_back(
    log: EventLog,
    *,
    replay: int,
    lease: str,
    seqs: Sequence[int] | None = None,
    queue: str | None = None,
) -> list[str]:
    """Put what a lease holds back to the queue's state, uncharged: all of it, or these events.

    Returns the events' ids; the caller then sends a job for them, or leaves it to the sweeper.
    """
    table, seq = held_rows(replay, queue)
    statement = (
        update(table)
        .where(table.c.lease == lease, table.c.state == State.RUNNING)
        .values(state=State.QUEUED, lease=None, due_at=database_now_plus(REQUEUE_GRACE))
        .returning(seq)
    )
    if seqs is not None:
        statement = statement.where(seq.in_(seqs))

    def work(connection: Connection) -> list[str]:
        handed = set(connection.execute(statement).scalars())
        query = select(events.c.id).where(events.c.seq.in_(handed)).order_by(events.c.seq)
        return list(connection.execute(query).scalars()) if handed else []

    return log.write_again_after_collisions(work)
