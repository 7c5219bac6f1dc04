"""Bring waiting retries forward: what is due now is taken by the clock's next sweep."""

from dataclasses import dataclass

from sqlalchemy import Connection, update

from eventlog.database import EventLog
from eventlog.instant import database_now
from eventlog.locked_event import LockedEvent, lock_event
from eventlog.states import State
from eventlog.tables import deliveries, events


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtForward:
    """An event as it was found, and what was changed."""

    event: LockedEvent
    ids: frozenset[int]
    """Of the deliveries that are due now, and were not."""


def bring_forward(log: EventLog, event_id: str, *, handler: str | None = None) -> BroughtForward | None:
    """Let waiting deliveries be due now, those of replays too; None where there is no such event.

    What runs, or is queued, is left alone. Raises `LogUnavailable`.
    """

    def work(connection: Connection) -> BroughtForward | None:
        event = lock_event(connection, event_id, handler)
        if event is None:
            return None
        waiting = [each for each in event.deliveries if each.state is State.WAITING and not each.is_due]
        statement = (
            update(deliveries)
            .where(
                deliveries.c.id.in_([each.id for each in waiting]),
                deliveries.c.state == State.WAITING,
                deliveries.c.due_at > database_now(),
            )
            .values(due_at=database_now())
            .returning(deliveries.c.id)
        )
        changed = frozenset(connection.execute(statement).scalars()) if waiting else frozenset()
        if any(each.id in changed and each.runs_with_its_event for each in waiting):
            connection.execute(
                update(events)
                .where(events.c.seq == event.seq, events.c.state == State.WAITING)
                .values(due_at=database_now())
            )
        return BroughtForward(event=event, ids=changed)

    return log.write_again_after_collisions(work)
