"""Replays as the log keeps them: which events, for which handlers, how far, who and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, FromClause, func, insert, or_, select, update
from sqlalchemy.engine import Row

from eventlog.database import EventLog
from eventlog.instant import database_now
from eventlog.open_transactions import settled_upto
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import deliveries, replays

WITHDRAWN: Final = "its replay was cancelled"

COUNT_LIMIT: Final = 10_000
"""Beyond this many events, counting stops: a number nobody reads is not worth a scan."""


class ReplayState(StrEnum):
    RUNNING = "running"
    """Its events are being handed to the queue."""
    DONE = "done"
    """All of them were; their deliveries may still be at work."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One replay."""

    id: int
    state: ReplayState
    created_at: datetime
    finished_at: datetime | None
    who: str
    reason: str | None
    selection: Selection
    handlers: Mapping[str, Sequence[str]]
    """Each handler's name with its patterns, as they were registered when the replay was made."""
    only_failed: bool
    rate: int | None
    """Events a second at most."""
    cursor: int
    upto: int
    events: int
    """Looked at so far."""
    fed: int
    """Deliveries made so far."""
    passed_over: int
    """Deliveries not made: still in flight, or nothing to do."""
    in_flight: Sequence[str]
    """The first of those that were passed over because they were still in flight."""
    keep_effects: bool | None = None
    """Whether steps that earlier runs recorded are not run again."""
    canary: int | None = None
    """Of a canary: how many deliveries may be made before all of them ended well."""
    ended_because: str | None = None
    """Why it was stopped, unless by a person."""


def create(
    log: EventLog,
    *,
    selection: Selection,
    handlers: Mapping[str, Sequence[str]],
    only_failed: bool = False,
    rate: int | None = None,
    who: str,
    reason: str | None = None,
) -> int:
    """Record a replay of the events selected so far; the clock then hands them to the queue."""

    def work(connection: Connection) -> int:
        statement = (
            insert(replays)
            .values(
                state=ReplayState.RUNNING,
                created_at=database_now(),
                who=who,
                reason=reason,
                selection=selection.to_json(),
                handlers={name: list(patterns) for name, patterns in handlers.items()},
                only_failed=only_failed,
                rate=rate,
                upto=settled_upto(connection),
                in_flight=[],
            )
            .returning(replays.c.id)
        )
        return int(connection.execute(statement).scalar_one())

    return log.write_again_after_collisions(work)


def read_replays(log: EventLog, *, state: ReplayState | None = None, limit: int = 100) -> list[Replay]:
    """List replays, the newest first."""
    query = select(replays).order_by(replays.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(replays.c.state == state)
    with log.read() as connection:
        return [replay_of(row) for row in connection.execute(query)]


def read_replay(log: EventLog, replay_id: int) -> Replay | None:
    with log.read() as connection:
        row = connection.execute(select(replays).where(replays.c.id == replay_id)).one_or_none()
    return None if row is None else replay_of(row)


def read_outcomes(log: EventLog, replay_id: int) -> dict[State, int]:
    """Count a replay's deliveries by state."""
    query = (
        select(deliveries.c.state, func.count())
        .where(deliveries.c.replay == replay_id)
        .group_by(deliveries.c.state)
    )
    with log.read() as connection:
        return {State(state): number for state, number in connection.execute(query)}


def cancel(log: EventLog, replay_id: int) -> bool:
    """Stop a replay: nothing more is queued, and what waits in the queue is withdrawn.

    Returns whether there was anything to stop. What runs at the moment runs to its end.
    """

    def work(connection: Connection) -> bool:
        stopped = connection.execute(
            update(replays)
            .where(replays.c.id == replay_id, replays.c.state == ReplayState.RUNNING)
            .values(state=ReplayState.CANCELLED, finished_at=database_now())
        ).rowcount
        withdrawn = connection.execute(
            update(deliveries)
            .where(
                deliveries.c.replay == replay_id,
                deliveries.c.state.in_((State.QUEUED, State.WAITING)),
            )
            .values(state=State.SKIPPED, due_at=None, note=WITHDRAWN)
        ).rowcount
        if withdrawn and not stopped:
            connection.execute(
                update(replays).where(replays.c.id == replay_id).values(state=ReplayState.CANCELLED)
            )
        return bool(stopped or withdrawn)

    return log.write_again_after_collisions(work)


def is_run(table: FromClause) -> ColumnElement[bool]:
    """Say that a delivery was not withdrawn: it tells how the handler's last run ended, or will tell."""
    return or_(table.c.state != State.SKIPPED, func.coalesce(table.c.note, "") != WITHDRAWN)


def replay_of(row: Row[Any]) -> Replay:
    stored = row._asdict()
    return Replay(
        **stored
        | {"state": ReplayState(stored["state"]), "selection": Selection.from_json(stored["selection"])}
    )
