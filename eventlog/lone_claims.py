"""Fourth step, of deliveries that run alone: claim them in their queue, in order and within their limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, update

from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.instant import database_now_plus
from eventlog.leases import Claimed, load
from eventlog.limits import Limit, Room, let_in, look_for_room, note_start, throttle
from eventlog.lines import is_blocked, wake_first
from eventlog.outcome import Woken
from eventlog.query_plans import unindexed
from eventlog.states import State
from eventlog.tables import deliveries, events
from eventlog.turns import lock_lines, lock_slots


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneClaim:
    """What one claim took."""

    claimed: tuple[Claimed, ...]
    others: tuple[str, ...]
    """Events whose deliveries may still be claimed now: a job is to be sent for them."""
    woken: tuple[Woken, ...] = ()
    """To send jobs for, too."""


def claim_alone(
    log: EventLog,
    hold: Hold,
    ids: Sequence[str],
    *,
    duration: timedelta,
    limits: Mapping[str, Limit],
) -> LoneClaim:
    """Claim those deliveries of the events that are queued in the hold's queue, in order of arrival.

    One that may not run yet is parked or throttled. Of those that `limits`, by handler, bounds, a claim takes
    one, alone: what it counts as running does run. Raises `LogUnavailable`.
    """
    return log.write_again_after_collisions(
        lambda connection: _claim(connection, hold, ids, duration, limits)
    )


def _claim(
    connection: Connection,
    hold: Hold,
    ids: Sequence[str],
    duration: timedelta,
    limits: Mapping[str, Limit],
) -> LoneClaim:
    rows = _queued(connection, hold, ids)
    rows, first = _park(connection, rows)
    unlimited = [row for row in rows if row.handler not in limits]
    limited = [row for row in rows if row.handler in limits]
    woken: tuple[Woken, ...] = ()
    if unlimited:
        taken, others = unlimited, limited
    else:
        taken, others, woken = _take_one(connection, limited, limits)
    if taken:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_([row.id for row in taken]))
            .values(state=State.RUNNING, lease=hold.lease, due_at=database_now_plus(duration))
        )
    return LoneClaim(
        claimed=tuple(load(connection, hold, sorted({row.event_seq for row in taken}))),
        others=tuple(dict.fromkeys(row.event_id for row in others)),
        woken=(*first, *woken),
    )


def _queued(connection: Connection, hold: Hold, ids: Sequence[str]) -> list[Row[Any]]:
    query = (
        select(
            deliveries.c.id,
            deliveries.c.handler,
            deliveries.c.event_seq,
            deliveries.c.line,
            events.c.id.label("event_id"),
        )
        .join(events, events.c.seq == deliveries.c.event_seq)
        .where(
            events.c.id.in_(ids),
            unindexed(deliveries.c.replay) == hold.replay,
            deliveries.c.queue == hold.queue,
            unindexed(deliveries.c.state) == State.QUEUED,
        )
        .order_by(deliveries.c.event_seq, deliveries.c.id)
        .with_for_update(of=deliveries, skip_locked=True)
    )
    return list(connection.execute(query))


def _park(connection: Connection, rows: list[Row[Any]]) -> tuple[list[Row[Any]], list[Woken]]:
    """Set aside those that something in their line comes before; gives the others, and what goes on then."""
    ordered = [row for row in rows if row.line is not None]
    if not ordered:
        return rows, []
    lock_lines(connection, {(row.handler, row.line) for row in ordered})
    blocked = set(connection.execute(select(deliveries.c.id).where(_among(ordered), is_blocked())).scalars())
    if blocked:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_(blocked), deliveries.c.state == State.QUEUED)
            .values(state=State.PARKED, due_at=None)
        )
    # A replay's may be parked behind one that ran when it came, and now comes before that one's retry.
    woken = wake_first(connection, {(row.handler, row.line) for row in ordered if row.id in blocked})
    return [row for row in rows if row.id not in blocked], woken


def _among(rows: Sequence[Row[Any]]) -> ColumnElement[bool]:
    return deliveries.c.id.in_([row.id for row in rows])


def _take_one(
    connection: Connection, rows: Sequence[Row[Any]], limits: Mapping[str, Limit]
) -> tuple[list[Row[Any]], list[Row[Any]], tuple[Woken, ...]]:
    """Take the first that there is room for, and set aside what there is none for."""
    by_handler: dict[str, list[Row[Any]]] = {}
    for row in rows:
        by_handler.setdefault(row.handler, []).append(row)
    lock_slots(connection, by_handler)
    taken: list[Row[Any]] = []
    others: list[Row[Any]] = []
    woken: list[Woken] = []
    for handler, mine in by_handler.items():
        limit = limits[handler]
        room = look_for_room(connection, handler, limit)
        free = len(mine) if room.free is None else room.free
        throttle(connection, handler, [row.id for row in mine[free:]], limit, room)
        may_run = mine[:free]
        # A limit that was raised lets those in that wait for a slot.
        woken += let_in(connection, handler, _spare(room, len(may_run)))
        if may_run and not taken:
            taken = [may_run.pop(0)]
            if limit.starts is not None:
                note_start(connection, handler)
        others += may_run
    return taken, others, tuple(woken)


def _spare(room: Room, taken: int) -> int:
    return 0 if room.free is None else max(0, room.free - taken)
