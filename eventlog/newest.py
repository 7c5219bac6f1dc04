"""The newest events of a selection, found from the end of the index that fits it best.

Each way reads one index backwards, a row for each event that it passes. What a selection asks beyond what the
index holds is looked up row by row: two conditions that are each true of many events, and hardly ever both,
are the one thing that takes long.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select, true, tuple_

from eventlog.query_plans import is_at_rest, is_notable, is_unfinished, unindexed
from eventlog.received import Window, window_of
from eventlog.selection import LAST_CHARACTER, Selection
from eventlog.states import HELD_BACK, State
from eventlog.tables import deliveries, events, failures

_WAYS: Final = 50
"""More types than these in one family are not looked up one by one."""
_BACKLOG: Final = 5000
"""Up to so many events that are queued, or running, are looked through whole."""
_ON_THEIR_WAY: Final = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """An index that begins with these columns and ends with the seq."""

    seq: ColumnElement[int]
    columns: Sequence[ColumnElement[Any]] = ()
    values: Sequence[str] = ()
    implied: Sequence[ColumnElement[bool]] = ()
    """What a partial index needs to be told."""

    def query(self, connection: Connection, window: Window, limit: int) -> Select[Any]:
        """Ask for seqs, the highest first; each once, though several rows may bear it."""
        between = (
            _between_on_sqlite(self, window)
            if connection.dialect.name == "sqlite"
            else _between_on_postgresql(self, window)
        )
        return (
            select(self.seq.label("seq"), *self.columns)
            .distinct()
            .where(*self.implied, *between)
            .order_by(*(column.desc() for column in self.columns), self.seq.desc())
            .limit(limit)
        )


def _between_on_sqlite(way: _Way, window: Window) -> Iterator[ColumnElement[bool]]:
    for column, value in zip(way.columns, way.values, strict=True):
        yield column == value
    yield way.seq > window.after
    yield way.seq < window.below


def _between_on_postgresql(way: _Way, window: Window) -> Iterator[ColumnElement[bool]]:
    """Take the seq and what comes before it as one row: then no other index comes into question.

    PostgreSQL takes matches for evenly spread, and would rather go through the newest of all events.
    """
    place = tuple_(*way.columns, way.seq)
    yield place > tuple_(*way.values, window.after)
    yield place < tuple_(*way.values, window.below)


def newest_seqs(connection: Connection, selection: Selection, within: Window, *, limit: int) -> list[int]:
    """Give the highest seqs of the selected events within a window, in falling order."""
    window = window_of(connection, selection, within)
    if window is None:
        return []
    if selection.ids:
        return _read(connection, _plain(selection, window, limit))
    rest, ways = _ways(connection, selection)
    if ways is None:
        return _among_all_in_its_state(connection, selection, window, limit)
    found = [_read(connection, _with_events(way.query(connection, window, limit), way, rest)) for way in ways]
    merged = heapq.merge(*found, reverse=True)
    return list(islice(_once(merged), limit))


def _ways(connection: Connection, selection: Selection) -> tuple[Selection, list[_Way] | None]:
    """Choose the ways that lead to the events; gives what is left to be asked of those.

    None: through all that are in its state, which are few.
    """
    state = selection.state
    if selection.fingerprint is not None:
        left = replace(selection, fingerprint=None, handler=None if state is None else selection.handler)
        return left, _ways_to_failures(connection, selection.fingerprint, selection.handler)
    if selection.handler is not None:
        return replace(selection, handler=None, state=None), [_way_to_deliveries(selection.handler, state)]
    if state in HELD_BACK:
        names = _distinct(connection, deliveries.c.handler)
        left = replace(selection, state=None)
        return left, [_way_to_deliveries(name, state) for name in names]
    if selection.subject is not None:
        left, way = _way_by_subject(selection, selection.subject)
        return left, [way]
    if state in _ON_THEIR_WAY and _are_few(connection, state):
        return selection, None
    return _ways_by_type_or_state(connection, selection)


def _way_by_subject(selection: Selection, subject: str) -> tuple[Selection, _Way]:
    columns, values, implied = _by_state(selection.state)
    if selection.state in _ON_THEIR_WAY:
        implied = (is_unfinished(events),)
    way = _Way(
        seq=events.c.seq, columns=(events.c.subject, *columns), values=(subject, *values), implied=implied
    )
    return replace(selection, subject=None, state=None if columns else selection.state), way


def _way_by_state(state: State | None) -> _Way:
    if state is None:
        return _Way(seq=events.c.seq)
    if state in _ON_THEIR_WAY:  # many are, the newest first of all
        return _Way(seq=events.c.seq, implied=(unindexed(events.c.state) == state,))
    return _Way(seq=events.c.seq, columns=(events.c.state,), values=(state,), implied=(is_at_rest(events),))


def _ways_by_type_or_state(connection: Connection, selection: Selection) -> tuple[Selection, list[_Way]]:
    if selection.type in (None, "*"):
        return replace(selection, state=None), [_way_by_state(selection.state)]
    columns, values, implied = _by_state(selection.state)
    types = [selection.type or ""]
    if types[0].endswith(".*"):
        types = _types_of(connection, types[0])
    if len(types) > _WAYS:
        return selection, [_Way(seq=events.c.seq)]
    ways = [
        _Way(seq=events.c.seq, columns=(events.c.type, *columns), values=(each, *values), implied=implied)
        for each in types
    ]
    return replace(selection, type=None, state=None if columns else selection.state), ways


def _by_state(
    state: State | None,
) -> tuple[tuple[ColumnElement[Any], ...], tuple[str, ...], tuple[ColumnElement[bool], ...]]:
    """Give what the indexes over notable events have besides, where they hold those in this state."""
    if state is None or state is State.DONE or state in _ON_THEIR_WAY:
        return (), (), ()
    return (events.c.state,), (state,), (is_notable(events),)


def _way_to_deliveries(handler: str, state: State | None) -> _Way:
    if state is None:
        return _Way(seq=deliveries.c.event_seq, columns=(deliveries.c.handler,), values=(handler,))
    return _Way(
        seq=deliveries.c.event_seq,
        columns=(deliveries.c.handler, deliveries.c.state),
        values=(handler, state),
    )


def _ways_to_failures(connection: Connection, fingerprint: str, handler: str | None) -> list[_Way]:
    of_it = failures.c.fingerprint == fingerprint
    names = [handler] if handler is not None else _distinct(connection, failures.c.handler, of_it)
    return [
        _Way(
            seq=failures.c.event_seq,
            columns=(failures.c.fingerprint, failures.c.handler),
            values=(fingerprint, name),
        )
        for name in names
    ]


def _with_events(query: Select[Any], way: _Way, rest: Selection) -> Select[Any]:
    conditions = rest.residual_conditions()
    if not conditions:
        return query
    if way.seq is events.c.seq:
        return query.where(*conditions)
    # Not as a join: PostgreSQL would rather read all events for it, where it takes them for few.
    applies = select(and_(true(), *conditions)).where(events.c.seq == way.seq).correlate(way.seq.table)
    return query.where(applies.scalar_subquery())


def _are_few(connection: Connection, state: State | None) -> bool:
    in_state = select(events.c.due_at).where(*_is_in(state)).limit(_BACKLOG + 1).subquery()
    found = connection.execute(select(func.count()).select_from(in_state)).scalar_one()
    return bool(found <= _BACKLOG)


def _is_in(state: State | None) -> tuple[ColumnElement[bool], ...]:
    """Say that an event is unfinished and in this state, as the index over those has it."""
    return is_unfinished(events), events.c.state == state


def _among_all_in_its_state(
    connection: Connection, selection: Selection, window: Window, limit: int
) -> list[int]:
    seq = unindexed(events.c.seq)
    query = (
        select(events.c.seq)
        .where(
            *_is_in(selection.state),
            seq > window.after,
            seq < window.below,
            *replace(selection, state=None).residual_conditions(),
        )
        .order_by(seq.desc())
        .limit(limit)
    )
    return _read(connection, query)


def _plain(selection: Selection, window: Window, limit: int) -> Select[Any]:
    return (
        select(events.c.seq)
        .where(events.c.seq > window.after, events.c.seq < window.below, *selection.conditions())
        .order_by(events.c.seq.desc())
        .limit(limit)
    )


def _types_of(connection: Connection, family: str) -> list[str]:
    first = family.removesuffix("*")
    within = (events.c.type <= first + LAST_CHARACTER, events.c.type.startswith(first, autoescape=True))
    return _distinct(connection, events.c.type, *within, first=first, at_most=_WAYS + 1)


def _distinct(
    connection: Connection,
    column: ColumnElement[str],
    *where: ColumnElement[bool],
    first: str = "",
    at_most: int | None = None,
) -> list[str]:
    """Give the values of a column, each by one seek in an index."""
    found: list[str] = []
    while at_most is None or len(found) < at_most:
        following = column > found[-1] if found else column >= first
        value = connection.execute(select(func.min(column)).where(*where, following)).scalar()
        if value is None:
            break
        found.append(value)
    return found


def _read(connection: Connection, query: Select[Any]) -> list[int]:
    return [row.seq for row in connection.execute(query)]


def _once(seqs: Iterator[int]) -> Iterator[int]:
    last = None
    for seq in seqs:
        if seq != last:
            yield seq
        last = seq
