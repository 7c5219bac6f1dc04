"""An event with its deliveries, locked: nobody settles, claims or closes it until the commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from eventlog.hold import is_by_event
from eventlog.instant import database_now
from eventlog.runs import is_last_run
from eventlog.states import State
from eventlog.tables import deliveries, events


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a delivery stands, as a person would say it."""

    id: int
    handler: str
    replay: int
    """0 is the original run."""
    state: State
    due_at: datetime | None
    is_due: bool
    runs_with_its_event: bool
    """Whether it is claimed together with its event, and not by itself."""
    is_last_run: bool
    """Whether its handler has not run on the event again since."""
    resolved_by: str | None
    resolved_why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedEvent:
    """The event, and those of its deliveries that were asked for."""

    seq: int
    state: State
    handlers: tuple[str, ...]
    """Of all its deliveries."""
    deliveries: tuple[Standing, ...]
    """By run, and within a run in the order in which they were made."""


def lock_event(connection: Connection, event_id: str, handler: str | None) -> LockedEvent | None:
    """Lock and read an event, with its deliveries to one handler or to all; None where none has this id.

    What is claimed by itself is not locked: a change of its row has to name the state that it changes.
    """
    query = select(events.c.seq, events.c.state).where(events.c.id == event_id)
    event = connection.execute(query.with_for_update(key_share=True)).one_or_none()
    if event is None:
        return None
    is_due = func.coalesce(deliveries.c.due_at <= database_now(), False).label("is_due")
    rows = connection.execute(
        select(deliveries, is_due, is_last_run().label("is_last_run"))
        .where(deliveries.c.event_seq == event.seq)
        .order_by(deliveries.c.replay, deliveries.c.id)
    ).all()
    return LockedEvent(
        seq=event.seq,
        state=State(event.state),
        handlers=tuple(dict.fromkeys(row.handler for row in rows)),
        deliveries=_standings(rows, State(event.state), handler),
    )


def _standings(rows: Sequence[Row[Any]], event_state: State, handler: str | None) -> tuple[Standing, ...]:
    return tuple(
        Standing(
            id=row.id,
            handler=row.handler,
            replay=row.replay,
            state=_state(row, event_state),
            due_at=row.due_at,
            is_due=bool(row.is_due),
            runs_with_its_event=_runs_with_its_event(row),
            is_last_run=bool(row.is_last_run),
            resolved_by=row.resolved_by,
            resolved_why=row.resolved_why,
        )
        for row in rows
        if handler in (None, row.handler)
    )


def _runs_with_its_event(row: Row[Any]) -> bool:
    return is_by_event(row.replay, row.queue)


def _state(row: Row[Any], event_state: State) -> State:
    # The row still waits while its event is claimed for it.
    is_taken = _runs_with_its_event(row) and row.is_due and row.state == State.WAITING
    return event_state if is_taken and event_state in (State.QUEUED, State.RUNNING) else State(row.state)
