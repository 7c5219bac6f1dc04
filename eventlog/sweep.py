"""Find what fell through: retries due, leases that ran out, and queued events that no job came for.

A SIGKILLed worker, a wiped Redis and a retry are one case here. Each turn is one UPDATE, so that any number
of sweepers may run; it reads partial indexes over unfinished rows: its cost follows the work left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, Select, Table, Update, literal_column, select, update

from eventlog.acceptance import REQUEUE_GRACE
from eventlog.database import EventLog
from eventlog.instant import database_now, database_now_plus
from eventlog.leases import ORIGINAL_RUN
from eventlog.states import UNFINISHED, State
from eventlog.tables import deliveries, events

_TURN: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """Something to send a job for."""

    event_id: str
    replay: int
    received_at: datetime
    was: State
    """Waiting: its retry is due. Running: its lease ran out. Queued: no job came for it."""


def sweep(
    log: EventLog, *, states: Sequence[State] = UNFINISHED, again_in: timedelta = REQUEUE_GRACE
) -> list[Swept]:
    """Queue what is due of these states, some thousand rows a turn; send jobs for what this returns.

    A row that stays queued is found again after `again_in`. Raises `LogUnavailable`.
    """
    if not _anything_due(log):
        return []
    swept: list[Swept] = []
    for was in states:
        swept += log.write_again_after_collisions(partial(_sweep_events, was=was, again_in=again_in))
        swept += log.write_again_after_collisions(partial(_sweep_replays, was=was, again_in=again_in))
    return swept


def _anything_due(log: EventLog) -> bool:
    # Nearly every turn finds nothing: asking first keeps the clock out of the line of writers.
    with log.read() as connection:
        return any(
            connection.execute(_due(table).limit(1)).first() is not None for table in (events, deliveries)
        )


def _sweep_events(connection: Connection, *, was: State, again_in: timedelta) -> list[Swept]:
    statement = _requeue(events, _due(events, was), again_in).returning(events.c.id, events.c.received_at)
    return [
        Swept(event_id=row.id, replay=ORIGINAL_RUN, received_at=row.received_at, was=was)
        for row in connection.execute(statement)
    ]


def _sweep_replays(connection: Connection, *, was: State, again_in: timedelta) -> list[Swept]:
    statement = _requeue(deliveries, _due(deliveries, was), again_in).returning(
        deliveries.c.event_seq, deliveries.c.replay
    )
    found = {(row.event_seq, row.replay) for row in connection.execute(statement)}
    if not found:
        return []
    query = select(events.c.seq, events.c.id, events.c.received_at).where(
        events.c.seq.in_({seq for seq, _ in found})
    )
    by_seq = {row.seq: row for row in connection.execute(query)}
    return [
        Swept(event_id=by_seq[seq].id, replay=replay, received_at=by_seq[seq].received_at, was=was)
        for seq, replay in sorted(found)
    ]


def _due(table: Table, was: State | None = None) -> Select[tuple[int]]:
    key = next(iter(table.primary_key))
    # The states are written out, not bound: a partial index serves only conditions seen to imply its own.
    unfinished = table.c.state.in_([literal_column(f"'{state}'") for state in UNFINISHED])
    query = select(key).where(unfinished, table.c.due_at <= database_now()).order_by(table.c.due_at)
    if table is deliveries:
        query = query.where(deliveries.c.replay > literal_column(str(ORIGINAL_RUN)))
    if was is not None:
        query = query.where(table.c.state == was)
    return query


def _requeue(table: Table, due: Select[tuple[int]], again_in: timedelta) -> Update:
    key = next(iter(table.primary_key))
    # Rows that another transaction holds are left for the next turn: they are being worked on.
    picked = due.limit(_TURN).with_for_update(skip_locked=True)
    return (
        update(table)
        .where(key.in_(picked.scalar_subquery()))
        .values(state=State.QUEUED, lease=None, due_at=database_now_plus(again_in))
    )
