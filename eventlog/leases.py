"""Fourth step: claim. Who may run an event now, and until when.

A claim marks its rows with a random lease token. Whatever is written about them afterwards names that token;
when the lease was lost meanwhile it matches no row, and so changes nothing.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final, Self

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, bindparam, func, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from eventlog.database import EventLog
from eventlog.errors import RowLocked
from eventlog.event import Event
from eventlog.given import is_one_of
from eventlog.hold import Hold
from eventlog.instant import database_now, database_now_plus, microseconds
from eventlog.query_plans import unindexed
from eventlog.states import REQUEUE_GRACE, State
from eventlog.tables import bodies, deliveries, events


class PriorDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a delivery before this claim runs it."""

    handler: str
    state: State
    attempts: int
    failures: int
    is_due: bool
    """Whether it is to run now; of an event's deliveries some may be finished or due later."""
    queue: str | None = None
    """Where it is claimed without its event; None where it runs together with the others of its run."""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """One event that this worker may run, with what earlier attempts left."""

    seq: int
    event: Event
    prior: tuple[PriorDelivery, ...]


def new_lease() -> str:
    return secrets.token_hex(16)


def held_rows(*, by_event: bool) -> tuple[Table, ColumnElement[int]]:
    """Give the table whose rows a lease holds, and its column of seqs."""
    return (events, events.c.seq) if by_event else (deliveries, deliveries.c.event_seq)


def claim(log: EventLog, hold: Hold, ids: Sequence[str], *, duration: timedelta) -> list[Claimed]:
    """Claim those of the events that are queued, in order of arrival.

    In a replay its deliveries are claimed, not the events; those that run alone are left to `lone_claims`.
    One whose row another transaction holds for long is left to the sweeper, and does not keep the others
    waiting again. Raises `LogUnavailable`.
    """
    claiming = _CLAIM_EVENTS if hold.by_event else _CLAIM_DELIVERIES
    given = {
        "ids": ids,
        "of_replay": hold.replay,
        "new_lease": hold.lease,
        "lease_us": microseconds(duration),
    }

    def work(connection: Connection, *, statement: ReturningUpdate[int]) -> list[Claimed]:
        seqs = sorted(set(connection.execute(statement, given).scalars()))
        return load(connection, hold, seqs) if seqs else []

    try:
        return log.write_again_after_collisions(partial(work, statement=claiming.all), soon_durable=True)
    except RowLocked:
        return log.write_again_after_collisions(partial(work, statement=claiming.unlocked), soon_durable=True)


@dataclass(frozen=True, slots=True)
class _Claiming:
    """The statements that claim queued rows of a table, and return the seqs of their events."""

    all: ReturningUpdate[int]
    unlocked: ReturningUpdate[int]
    """Those rows only that no other transaction holds."""

    @classmethod
    def of(cls, table: Table, seq: ColumnElement[int], queued: ColumnElement[bool]) -> Self:
        key = next(iter(table.primary_key))
        free = select(key).where(queued).with_for_update(key_share=True, skip_locked=True)
        statement = (
            update(table)
            .values(state=State.RUNNING, lease=bindparam("new_lease"), due_at=database_now_plus("lease_us"))
            .returning(seq)
        )
        return cls(statement.where(queued), statement.where(key.in_(free.scalar_subquery())))


_CLAIM_EVENTS: Final = _Claiming.of(
    events, events.c.seq, and_(is_one_of(events.c.id, "ids"), unindexed(events.c.state) == State.QUEUED)
)
_CLAIM_DELIVERIES: Final = _Claiming.of(
    deliveries,
    deliveries.c.event_seq,
    and_(
        deliveries.c.event_seq.in_(select(events.c.seq).where(is_one_of(events.c.id, "ids"))),
        unindexed(deliveries.c.replay) == bindparam("of_replay"),
        deliveries.c.queue.is_(None),
        unindexed(deliveries.c.state) == State.QUEUED,
    ),
)

_LOAD: Final = (
    select(
        events.c.seq,
        events.c.id,
        events.c.type,
        events.c.subject,
        events.c.created_at,
        events.c.received_at,
        bodies.c.body,
    )
    .outerjoin_from(
        events, bodies, and_(bodies.c.event_seq == events.c.seq, bodies.c.sha256 == events.c.body_sha256)
    )
    .where(is_one_of(events.c.seq, "seqs"))
    .order_by(events.c.seq)
)


def _prior(is_due: ColumnElement[bool]) -> Select[Any]:
    return select(
        deliveries.c.event_seq,
        deliveries.c.handler,
        deliveries.c.state,
        deliveries.c.attempts,
        deliveries.c.failures,
        deliveries.c.queue,
        func.coalesce(is_due, False).label("is_due"),
    ).where(
        is_one_of(deliveries.c.event_seq, "seqs"), unindexed(deliveries.c.replay) == bindparam("of_replay")
    )


_PRIOR_OF_EVENTS: Final = _prior(
    and_(
        deliveries.c.state == State.WAITING,
        deliveries.c.due_at <= database_now(),
        deliveries.c.queue.is_(None),
    )
)
# Not those beside them that wait for a retry, which whoever claims them runs: nothing could be recorded.
_PRIOR_OF_DELIVERIES: Final = _prior(deliveries.c.lease == bindparam("held_by"))


def load(connection: Connection, hold: Hold, seqs: Sequence[int]) -> list[Claimed]:
    """Read claimed events, and what earlier attempts left; what is held of it is due."""
    prior = _prior_deliveries(connection, hold, seqs)
    return [
        Claimed(
            seq=seq,
            event=Event(
                id=event_id,
                type=event_type,
                subject=subject,
                created_at=created_at,
                received_at=received_at,
                body=body or b"",
            ),
            prior=tuple(prior.get(seq, ())),
        )
        # By place: what is asked of a row by name is looked up anew each time.
        for seq, event_id, event_type, subject, created_at, received_at, body in connection.execute(
            _LOAD, {"seqs": seqs}
        )
    ]


def _prior_deliveries(
    connection: Connection, hold: Hold, seqs: Sequence[int]
) -> dict[int, list[PriorDelivery]]:
    prior: dict[int, list[PriorDelivery]] = {}
    query, held = (_PRIOR_OF_EVENTS, {}) if hold.by_event else (_PRIOR_OF_DELIVERIES, {"held_by": hold.lease})
    for row in connection.execute(query, {"seqs": seqs, "of_replay": hold.replay, **held}):
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


def holds(log: EventLog, hold: Hold, *, seq: int) -> bool:
    """Tell whether a lease still holds an event, or any of the event's deliveries."""
    table, key = held_rows(by_event=hold.by_event)
    query = select(key).where(table.c.lease == hold.lease, key == seq).limit(1)
    with log.read() as connection:
        return connection.execute(query).first() is not None


def renew(log: EventLog, hold: Hold, *, duration: timedelta) -> None:
    """Put off the end of a lease on all that it still holds."""
    table, _ = held_rows(by_event=hold.by_event)
    statement = (
        update(table)
        .where(table.c.lease == hold.lease, table.c.state == State.RUNNING)
        .values(due_at=database_now_plus(duration))
    )
    log.write_again_after_collisions(lambda connection: connection.execute(statement))


def hand_back(log: EventLog, hold: Hold, *, seqs: Sequence[int] | None = None) -> list[str]:
    """Put what a lease holds back to the queue's state, uncharged: all of it, or these events.

    Returns the events' ids; the caller then sends a job for them, or leaves it to the sweeper.
    """
    table, seq = held_rows(by_event=hold.by_event)
    statement = (
        update(table)
        .where(table.c.lease == hold.lease, table.c.state == State.RUNNING)
        .values(state=State.QUEUED, lease=None, due_at=database_now_plus(REQUEUE_GRACE))
        .returning(seq)
    )
    if seqs is not None:
        statement = statement.where(is_one_of(seq, "seqs"))

    def work(connection: Connection) -> list[str]:
        handed = sorted(set(connection.execute(statement, {"seqs": seqs}).scalars()))
        query = select(events.c.id).where(is_one_of(events.c.seq, "handed")).order_by(events.c.seq)
        return list(connection.execute(query, {"handed": handed}).scalars()) if handed else []

    return log.write_again_after_collisions(work)
