"""Replays as the log keeps them: which events, for which handlers, how far, who and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, exists, func, insert, select, true, update
from sqlalchemy.engine import Row

from eventlog.database import EventLog
from eventlog.instant import database_now
from eventlog.open_transactions import settled_upto
from eventlog.query_plans import is_of_replay
from eventlog.received import Window, exact_window_of
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import deliveries, replays
from eventlog.withdrawal import withdraw

FIRST_STAGE: Final = 1
"""So many deliveries a canary begins with."""

COUNT_LIMIT: Final = 10_000
"""Beyond this many events, counting stops: a number nobody reads is not worth a scan."""


class ReplayState(StrEnum):
    RUNNING = "running"
    """Its events are being handed to the queue."""
    DONE = "done"
    """All of them were; their deliveries may still be at work."""
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    """A canary: what it was to mend failed again."""


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
    """Deliveries made a second at most."""
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


def create(  # noqa: PLR0913 - one for each option of `hooks replay`
    log: EventLog,
    *,
    selection: Selection,
    handlers: Mapping[str, Sequence[str]],
    only_failed: bool = False,
    rate: int | None = None,
    keep_effects: bool = False,
    canary: bool = False,
    who: str,
    reason: str | None = None,
) -> int:
    """Record a replay of the events selected so far; the clock then hands them to the queue.

    A canary begins with one delivery, and goes on in stages (`eventlog.canary`).
    """
    with log.read() as connection:
        so_far = Window(below=settled_upto(connection) + 1)
        window = exact_window_of(connection, selection, so_far)

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
                keep_effects=keep_effects,
                canary=FIRST_STAGE if canary else None,
                cursor=window.after,
                upto=window.below - 1,
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
        .where(is_of_replay(deliveries, replay_id))
        .group_by(deliveries.c.state)
    )
    with log.read() as connection:
        return {State(state): number for state, number in connection.execute(query)}


def cancel(log: EventLog, replay_id: int) -> bool:
    """Stop a replay: nothing more is queued, and what waits in the queue is withdrawn.

    Returns whether there was anything to stop. What runs at the moment runs to its end;
    it is not tried again.
    """

    def work(connection: Connection) -> bool:
        stopped = connection.execute(
            update(replays)
            .where(replays.c.id == replay_id, replays.c.state == ReplayState.RUNNING)
            .values(
                state=ReplayState.CANCELLED,
                finished_at=func.coalesce(replays.c.finished_at, database_now()),
            )
        ).rowcount
        withdrawn = withdraw(connection, replay_id)
        if not stopped:
            runs = exists().where(is_of_replay(deliveries, replay_id), deliveries.c.state == State.RUNNING)
            stopped = connection.execute(
                update(replays)
                .where(
                    replays.c.id == replay_id,
                    replays.c.state == ReplayState.DONE,
                    true() if withdrawn else runs,
                )
                .values(state=ReplayState.CANCELLED)
            ).rowcount
        return bool(stopped or withdrawn)

    return log.write_again_after_collisions(work)


def replay_of(row: Row[Any]) -> Replay:
    stored = row._asdict()
    return Replay(
        **stored
        | {"state": ReplayState(stored["state"]), "selection": Selection.from_json(stored["selection"])}
    )
