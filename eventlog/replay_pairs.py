"""Which events a replay gives to which handlers, where the last run must have been such and such.

A preview and the clock that feeds the replay ask the same question here, so that they can't disagree.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, or_, select, true

from eventlog.last_run import LastRun
from eventlog.query_plans import unindexed
from eventlog.received import Window
from eventlog.runs import is_last_run, is_run
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import deliveries, events, failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """An event with the handlers to which it is to be given again."""

    seq: int
    id: str
    type: str
    state: State
    received_at: datetime
    handlers: tuple[str, ...]


_SHOWN: Final = (events.c.id, events.c.type, events.c.state, events.c.received_at)


def find_repeated(
    connection: Connection,
    selection: Selection,
    handlers: Mapping[str, Sequence[str]],
    *,
    only_failed: bool,
    limit: int,
    window: Window,
) -> list[Repeated]:
    """Find the first so many events in the order of arrival; handlers are given with their patterns.

    The selection says what their last run must have been.
    """
    rows = [
        [(row, handler) for row in connection.execute(query.limit(limit).add_columns(*_SHOWN))]
        for handler, query in _queries(selection, handlers, window, only_failed=only_failed)
    ]
    merged = heapq.merge(*rows, key=lambda found: found[0].seq)
    return list(_first(merged, limit))


def count_repeated(
    connection: Connection,
    selection: Selection,
    handlers: Mapping[str, Sequence[str]],
    *,
    only_failed: bool,
    limit: int,
    window: Window,
) -> tuple[int, int]:
    """Count what `find_repeated` finds, without reading it: events, and the handlers for all of them."""
    seqs = [
        connection.execute(query.limit(limit)).scalars().all()
        for _, query in _queries(selection, handlers, window, only_failed=only_failed)
    ]
    of_events = [len(list(same)) for _, same in islice(groupby(heapq.merge(*seqs)), limit)]
    return len(of_events), sum(of_events)


def _first(merged: Iterator[Any], limit: int) -> Iterator[Repeated]:
    for number, (_, found) in enumerate(groupby(merged, key=lambda pair: pair[0].seq)):
        if number == limit:
            return
        pairs = list(found)
        row = pairs[0][0]
        yield Repeated(
            seq=row.seq,
            id=row.id,
            type=row.type,
            state=State(row.state),
            received_at=row.received_at,
            handlers=tuple(handler for _, handler in pairs),
        )


def _queries(
    selection: Selection, handlers: Mapping[str, Sequence[str]], window: Window, *, only_failed: bool
) -> Iterator[tuple[str, Select[Any]]]:
    """Give a query for each handler alone, from its own index on: all together would be sorted each time."""
    last_run = (selection.last_run or LastRun()).and_dead(dead=only_failed)
    for handler, patterns in handlers.items():
        yield handler, _query(selection, last_run, handler, patterns, window)


def _query(
    selection: Selection,
    last_run: LastRun,
    handler: str,
    patterns: Sequence[str],
    window: Window,
) -> Select[Any]:
    seq = deliveries.c.event_seq if last_run.fingerprint is None else failures.c.event_seq
    query = (
        select(events.c.seq)
        .select_from(deliveries)
        .join(events, events.c.seq == deliveries.c.event_seq)
        .where(
            deliveries.c.handler == handler,
            seq > window.after,
            seq < window.below,
            *last_run.conditions(handler),
            *selection.conditions(),
            or_(*(and_(true(), *Selection(type=pattern).conditions()) for pattern in patterns)),
            is_run(deliveries),
            is_last_run(),
        )
        .order_by(seq)
    )
    if last_run.fingerprint is not None:
        last_failure = and_(
            failures.c.event_seq == deliveries.c.event_seq,
            failures.c.handler == handler,
            unindexed(failures.c.replay) == deliveries.c.replay,
            failures.c.attempt == deliveries.c.attempts,
        )
        query = query.join(failures, last_failure).where(failures.c.fingerprint == last_run.fingerprint)
    return query
