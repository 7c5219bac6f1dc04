"""Mark dead deliveries as dealt with: who did it, and why."""

from dataclasses import dataclass

from sqlalchemy import Connection, update

from eventlog.database import EventLog
from eventlog.event_rows import sum_up
from eventlog.hold import ORIGINAL_RUN
from eventlog.instant import database_now
from eventlog.lines import release_line
from eventlog.locked_event import LockedEvent, lock_event
from eventlog.outcome import Woken
from eventlog.states import State
from eventlog.tables import deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """An event as it was found, and what was changed."""

    event: LockedEvent
    ids: frozenset[int]
    """Of the deliveries that were resolved."""
    left: frozenset[int]
    """Of those that are dead still: a worker is at their event, and will close it with what it knows."""
    woken: tuple[Woken, ...]
    """What they had held up; the clock sends jobs for it within seconds."""


def resolve(
    log: EventLog, event_id: str, *, handler: str | None = None, by: str, why: str
) -> Resolution | None:
    """Resolve the dead deliveries of an event, of all its runs; None where there is no such event.

    Those that are resolved already stay as they are. Raises `LogUnavailable`.
    """

    def work(connection: Connection) -> Resolution | None:
        event = lock_event(connection, event_id, handler)
        if event is None:
            return None
        dead = [each for each in event.deliveries if each.state is State.DEAD]
        left = {each.id for each in dead if each.runs_with_its_event and event.state is State.RUNNING}
        statement = (
            update(deliveries)
            .where(
                deliveries.c.id.in_([each.id for each in dead if each.id not in left]),
                deliveries.c.state == State.DEAD,
            )
            .values(state=State.RESOLVED, resolved_at=database_now(), resolved_by=by, resolved_why=why)
            .returning(deliveries.c.id)
        )
        changed = frozenset(connection.execute(statement).scalars()) if len(left) < len(dead) else frozenset()
        woken: list[Woken] = []
        for name in sorted({each.handler for each in dead if each.id in changed}):
            woken += release_line(connection, event.seq, name)
        if any(each.id in changed and each.replay == ORIGINAL_RUN for each in dead):
            sum_up(connection, [event.seq])
        return Resolution(event=event, ids=changed, left=frozenset(left), woken=tuple(woken))

    return log.write_again_after_collisions(work)
