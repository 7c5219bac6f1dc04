"""What `hooks doctor` asks of the log; the cost follows the work left, and counts stop early."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, exists, func, select, text

from eventlog.database import EventLog
from eventlog.hold import ORIGINAL_RUN, is_by_event
from eventlog.instant import database_now, database_now_plus
from eventlog.leases import held_rows
from eventlog.query_plans import is_at_rest, is_unfinished, unindexed
from eventlog.runs import is_run
from eventlog.states import State
from eventlog.tables import deliveries, events

COUNT_LIMIT: Final = 1000
"""Beyond this many rows, counting stops."""

_NAMED: Final = 5
_TURN: Final = 500
_POSTGRESQL_SETTINGS: Final = ("fsync", "full_page_writes", "synchronous_commit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How many rows something is true of."""

    count: int
    """One more than COUNT_LIMIT where there are more."""
    first: tuple[str, ...]
    """The first few, by name."""


def read_durability(log: EventLog) -> dict[str, str]:
    """Read the database's settings on which it depends whether a commit survives a crash."""
    with log.read() as connection:
        if log.is_sqlite:
            return {"journal_mode": str(connection.execute(text("PRAGMA journal_mode")).scalar_one())}
        return {
            name: str(connection.execute(select(func.current_setting(name))).scalar_one())
            for name in _POSTGRESQL_SETTINGS
        }


def read_unclaimed(log: EventLog, *, after: timedelta) -> Found:
    """Find events that have been queued for some time and that no worker has taken even once."""
    queued = (
        select(events.c.seq, events.c.id, events.c.received_at)
        .where(is_unfinished(events), events.c.state == State.QUEUED)
        .order_by(events.c.due_at)
        .limit(COUNT_LIMIT + 1)
        .subquery()
    )
    query = (
        select(queued.c.id)
        .where(
            queued.c.received_at < database_now_plus(-after),
            ~exists().where(deliveries.c.event_seq == queued.c.seq),
        )
        .order_by(queued.c.seq)
    )
    return found([row[0] for row in _read(log, query)])


def read_recently_dead(log: EventLog, *, within: timedelta) -> Found:
    """Find deliveries of the newest dead events that gave up lately, and that no replay has made good."""
    dead = (
        select(events.c.seq, events.c.id)
        .where(is_at_rest(events), events.c.state == State.DEAD)
        .order_by(events.c.state.desc(), events.c.seq.desc())
        .limit(COUNT_LIMIT + 1)
        .subquery()
    )
    again = deliveries.alias("again")
    made_good = exists().where(
        again.c.event_seq == deliveries.c.event_seq,
        again.c.handler == deliveries.c.handler,
        again.c.replay > ORIGINAL_RUN,
        again.c.state.in_((State.DONE, State.SKIPPED)),
        is_run(again),
    )
    query = (
        select(dead.c.id, deliveries.c.handler)
        .join_from(dead, deliveries, deliveries.c.event_seq == dead.c.seq)
        .where(
            # By the events, not by what is dead of all.
            unindexed(deliveries.c.replay) == ORIGINAL_RUN,
            unindexed(deliveries.c.state) == State.DEAD,
            deliveries.c.started_at >= database_now_plus(-within),
            ~made_good,
        )
        .order_by(dead.c.seq.desc())
    )
    return found([f"{row[0]} {row[1]}" for row in _read(log, query)])


def read_unknown(log: EventLog, ids: Sequence[str]) -> list[str]:
    """Find those of the ids that no event of the log has."""
    wanted = list(dict.fromkeys(ids))
    known: set[str] = set()
    with log.read() as connection:
        for start in range(0, len(wanted), _TURN):
            query = select(events.c.id).where(events.c.id.in_(wanted[start : start + _TURN]))
            known |= set(connection.execute(query).scalars())
    return [each for each in wanted if each not in known]


def is_held(log: EventLog, ids: Sequence[str], *, replay: int, queue: str | None = None) -> bool:
    """Tell whether a worker holds one of these events, in a run, under a lease that lasts."""
    table, _ = held_rows(by_event=is_by_event(replay, queue))
    query = (
        select(events.c.seq)
        .where(
            events.c.id.in_(list(ids)),
            table.c.state == State.RUNNING,
            table.c.lease.isnot(None),
            table.c.due_at > database_now(),
        )
        .limit(1)
    )
    if table is deliveries:
        query = query.join(deliveries, deliveries.c.event_seq == events.c.seq).where(
            deliveries.c.replay == replay
        )
    with log.read() as connection:
        return connection.execute(query).first() is not None


def _read(log: EventLog, query: Select[Any]) -> list[Any]:
    with log.read() as connection:
        return list(connection.execute(query.limit(COUNT_LIMIT + 1)))


def found(names: list[str]) -> Found:
    """Say how many there are, up to COUNT_LIMIT + 1, and name the first."""
    return Found(count=min(len(names), COUNT_LIMIT + 1), first=tuple(names[:_NAMED]))
