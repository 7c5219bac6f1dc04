"""What a replay would do, before it is made: how many events, which ones, and which are not in the log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, exists, false, func, or_, select, true

from eventlog.database import EventLog
from eventlog.received import Window, exact_window_of
from eventlog.replay_pairs import count_repeated, find_repeated
from eventlog.replays import COUNT_LIMIT
from eventlog.runs import is_last_run
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import deliveries, events

_IDS_AT_ONCE: Final = 1000
_READ_IN_ORDER_SEQS: Final = 5_000_000
"""So short a part of the log is soon read; all of it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedEvent:
    """One event that a replay would give to a handler."""

    id: str
    type: str
    state: State
    received_at: datetime
    handlers: tuple[str, ...] | None = None
    """Those that would run; None where that is all which listen for its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a replay would run, unless it is still in flight then."""

    selected: int
    """How many events are selected, up to one more than COUNT_LIMIT."""
    wanted: int
    """How many of them a handler would be given, up to one more than COUNT_LIMIT."""
    first: tuple[PreviewedEvent, ...]
    """The earliest of the wanted ones."""
    deliveries: int | None = None
    """Where it matters how the last run ended: to how many handlers they would be given, taken together."""


def preview(
    log: EventLog,
    selection: Selection,
    handlers: Mapping[str, Sequence[str]],
    *,
    only_failed: bool = False,
    listed: int = 0,
) -> Preview:
    """Foresee a replay of the selection by handlers, given as their names with their patterns."""
    with log.read() as connection:
        window = exact_window_of(connection, selection, Window())
        if selection.last_run is not None:
            return _preview_repeated(connection, selection, window, handlers, only_failed, listed)
        selected = _conditions(selection, window)
        number = _count(connection, selected)
        if only_failed and not selection.ids:
            # From the dead on: of all that is selected they may be few.
            found = _preview_repeated(connection, selection, window, handlers, only_failed, listed)
            first = tuple(replace(event, handlers=None) for event in found.first)
            return Preview(selected=number, wanted=found.wanted, first=first)
        wanted = (*selected, _wanted(handlers, only_failed=only_failed))
        columns = (events.c.id, events.c.type, events.c.state, events.c.received_at)
        query = select(*columns).where(*wanted).order_by(events.c.seq).limit(listed)
        return Preview(
            selected=number,
            wanted=_count(connection, wanted),
            first=tuple(
                PreviewedEvent(**row._asdict() | {"state": State(row.state)})
                for row in (connection.execute(query) if listed else ())
            ),
        )


def _preview_repeated(
    connection: Connection,
    selection: Selection,
    window: Window,
    handlers: Mapping[str, Sequence[str]],
    only_failed: bool,
    listed: int,
) -> Preview:
    number, of_handlers = count_repeated(
        connection, selection, handlers, only_failed=only_failed, limit=COUNT_LIMIT + 1, window=window
    )
    found = (
        find_repeated(connection, selection, handlers, only_failed=only_failed, limit=listed, window=window)
        if listed
        else []
    )
    return Preview(
        selected=number,
        wanted=number,
        deliveries=of_handlers,
        first=tuple(
            PreviewedEvent(
                id=event.id,
                type=event.type,
                state=event.state,
                received_at=event.received_at,
                handlers=event.handlers,
            )
            for event in found
        ),
    )


def unknown_ids(log: EventLog, ids: Sequence[str]) -> list[str]:
    """Return those ids, in their order, that are not in the log."""
    known: set[str] = set()
    with log.read() as connection:
        for start in range(0, len(ids), _IDS_AT_ONCE):
            query = select(events.c.id).where(events.c.id.in_(ids[start : start + _IDS_AT_ONCE]))
            known.update(connection.execute(query).scalars())
    return [event_id for event_id in ids if event_id not in known]


def _conditions(selection: Selection, window: Window) -> list[ColumnElement[bool]]:
    if window.below - window.after > _READ_IN_ORDER_SEQS:
        return selection.conditions()
    # Else the index of another condition may hold many events before that time.
    return [events.c.seq > window.after, events.c.seq < window.below, *selection.conditions_by_seq()]


def _count(connection: Connection, conditions: Iterable[ColumnElement[bool]]) -> int:
    some = select(events.c.seq).where(*conditions).limit(COUNT_LIMIT + 1).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _wanted(handlers: Mapping[str, Sequence[str]], *, only_failed: bool) -> ColumnElement[bool]:
    listeners: dict[str, list[str]] = {}
    for handler, patterns in handlers.items():
        for pattern in patterns:
            listeners.setdefault(pattern, []).append(handler)
    return or_(
        false(),
        *(
            and_(
                true(),
                *Selection(type=pattern).conditions(),
                *((_dead_at_last(names),) if only_failed else ()),
            )
            for pattern, names in listeners.items()
        ),
    )


def _dead_at_last(handlers: Sequence[str]) -> ColumnElement[bool]:
    """Say that the last run of one of these handlers on the event ended dead."""
    return exists().where(
        deliveries.c.event_seq == events.c.seq,
        deliveries.c.handler.in_(handlers),
        deliveries.c.state == State.DEAD,
        is_last_run(),
    )
