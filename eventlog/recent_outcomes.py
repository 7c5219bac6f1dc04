"""What came of a handler's deliveries lately; the cost is bounded, however large the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from eventlog.database import EventLog
from eventlog.instant import database_now_plus
from eventlog.states import State
from eventlog.tables import deliveries

READ_AT_MOST: Final = 10_000
"""Deliveries of a handler, those of the newest events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentOutcomes:
    """How many deliveries of a handler are in which state."""

    counts: Mapping[State, int]
    """Of those that ran within the time, and of those that have not run yet."""
    is_complete: bool
    """Whether older deliveries can't have been left out: fewer than READ_AT_MOST were there to read."""


def read_recent_outcomes(
    log: EventLog, handler: str, *, within: timedelta, at_most: int = READ_AT_MOST
) -> RecentOutcomes:
    """Count the deliveries of the newest events, replays too, by their states."""
    newest = (
        select(deliveries.c.state, deliveries.c.started_at)
        .where(deliveries.c.handler == handler)
        .order_by(deliveries.c.event_seq.desc())
        .limit(at_most)
        .subquery()
    )
    is_recent = newest.c.started_at.is_(None) | (newest.c.started_at >= database_now_plus(-within))
    query = select(newest.c.state, func.count(), func.count().filter(is_recent)).group_by(newest.c.state)
    with log.read() as connection:
        rows = [(State(state), read, recent) for state, read, recent in connection.execute(query)]
    counts = {state: recent for state, _, recent in rows if recent}
    return RecentOutcomes(
        counts={state: counts[state] for state in State if state in counts},
        is_complete=sum(read for _, read, _ in rows) < at_most,
    )
