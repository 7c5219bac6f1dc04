"""Limits: how many deliveries of a handler run at one time, and how many begin in a period, over all workers.

Who finds no slot is throttled. One that ends lets another one in, in the same transaction; where the rate is
the limit, the clock does, when the period allows it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update

from eventlog.given import is_one_of
from eventlog.instant import database_now, database_now_plus
from eventlog.outcome import Woken
from eventlog.query_plans import is_unended_alone
from eventlog.states import REQUEUE_GRACE, State
from eventlog.tables import deliveries, events, one_of, starts

_ALONE: Final = is_unended_alone(deliveries)
# Written out, not bound: only so is it found by the index over those.
_THROTTLED: Final = and_(
    one_of(deliveries.c.state, State.THROTTLED), deliveries.c.handler == bindparam("of_handler")
)
_WAITS_FOR_SLOT: Final = and_(_THROTTLED, deliveries.c.due_at.is_(None))

_LAST_DUE: Final = select(func.max(deliveries.c.due_at)).where(_THROTTLED)
# By the due time, too, which none of them has: this is the order of the index on both databases.
_IN_ORDER: Final = (deliveries.c.due_at, deliveries.c.event_seq)
_ANY_WAITING: Final = select(deliveries.c.id).where(_WAITS_FOR_SLOT).order_by(*_IN_ORDER).limit(1)
_FIRST_WAITING: Final = (
    select(deliveries.c.id, deliveries.c.replay, deliveries.c.queue, events.c.id.label("event_id"))
    .join(events, events.c.seq == deliveries.c.event_seq)
    .where(_WAITS_FOR_SLOT)
    .order_by(*_IN_ORDER)
    .limit(bindparam("number"))
    # A replay may be withdrawn at this moment: then the next one is found.
    .with_for_update(of=deliveries)
)
_LET_IN: Final = (
    update(deliveries)
    .where(is_one_of(deliveries.c.id, "ids"))
    .values(state=State.QUEUED, due_at=database_now_plus(REQUEUE_GRACE))
)
_THROTTLE: Final = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("of_id"), deliveries.c.state == State.QUEUED)
    .values(state=State.THROTTLED, due_at=bindparam("begins_at"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a handler may do at most; None where nothing limits it."""

    concurrency: int | None = None
    starts: int | None = None
    """How many may begin in any `period`."""
    period: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a handler may still do now."""

    slots: int | None
    """How many more may run at one time."""
    starts: int | None
    """How many more may begin."""
    freed_at: tuple[datetime, ...] = ()
    """When each of those that began in the period is forgotten, the earliest first."""

    @property
    def free(self) -> int | None:
        """How many may be let in now; None where there is no bound."""
        bounds = [bound for bound in (self.slots, self.starts) if bound is not None]
        return max(0, min(bounds)) if bounds else None


def look_for_room(connection: Connection, handler: str, limit: Limit) -> Room:
    """Tell what a handler may still do; the caller holds the lock on its slots."""
    slots = None
    if limit.concurrency is not None:
        running = select(func.count()).where(
            _ALONE, deliveries.c.handler == handler, deliveries.c.state == State.RUNNING
        )
        slots = limit.concurrency - connection.execute(running).scalar_one()
    if limit.starts is None:
        return Room(slots=slots, starts=None)
    of_handler = starts.c.handler == handler
    connection.execute(
        delete(starts).where(of_handler, starts.c.started_at <= database_now_plus(-limit.period))
    )
    began = connection.execute(
        select(starts.c.started_at).where(of_handler).order_by(starts.c.started_at.desc()).limit(limit.starts)
    ).scalars()
    freed_at = tuple(sorted(at + limit.period for at in began))
    return Room(slots=slots, starts=limit.starts - len(freed_at), freed_at=freed_at)


def note_start(connection: Connection, handler: str) -> None:
    connection.execute(insert(starts).values(handler=handler, started_at=database_now()))


def throttle(connection: Connection, handler: str, ids: Sequence[int], limit: Limit, room: Room) -> None:
    """Set deliveries aside, given by their ids in the order of arrival, until there is room for them."""
    if not ids:
        return
    # Whoever ends lets one in; but where slots stay free, as the rate allows no more now, nobody would.
    due: dict[int, datetime | None] = dict.fromkeys(ids)
    if limit.starts is not None and room.starts is not None:
        unfilled = len(ids) if room.slots is None else max(0, room.slots - max(0, room.starts))
        due |= _due_times(connection, handler, ids[:unfilled], limit, room)
    connection.execute(_THROTTLE, [{"of_id": each, "begins_at": due_at} for each, due_at in due.items()])


def _due_times(
    connection: Connection, handler: str, ids: Sequence[int], limit: Limit, room: Room
) -> dict[int, datetime | None]:
    """Give each the time at which a start is forgotten, behind all that are throttled already."""
    assert limit.starts is not None  # noqa: S101 - for the type checker
    now = connection.execute(select(database_now())).scalar_one()
    last = connection.execute(_LAST_DUE, {"of_handler": handler}).scalar_one()
    # Those that may begin now will, and are forgotten a period later.
    freed_at = [*room.freed_at, *[now + limit.period] * max(0, room.starts or 0)]
    rounds = [
        freed_at[place % len(freed_at)] + limit.period * (place // len(freed_at)) for place in range(len(ids))
    ]
    if last is not None:
        step = limit.period / limit.starts
        rounds = [max(at, last + step * (place + 1)) for place, at in enumerate(rounds)]
    return dict(zip(ids, rounds, strict=True))


def read_waiting(connection: Connection, handlers: Collection[str]) -> set[str]:
    """Tell of which handlers something waits for a slot."""
    return {
        handler
        for handler in handlers
        if connection.execute(_ANY_WAITING, {"of_handler": handler}).first() is not None
    }


def let_in(connection: Connection, handler: str, number: int) -> list[Woken]:
    """Queue so many of those that wait for a slot; the caller holds the lock on them."""
    if number < 1:
        return []
    rows = connection.execute(_FIRST_WAITING, {"of_handler": handler, "number": number}).all()
    if rows:
        connection.execute(_LET_IN, {"ids": [row.id for row in rows]})
    return [Woken(event_id=row.event_id, replay=row.replay, queue=row.queue) for row in rows]
