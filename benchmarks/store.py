"""What the log holds after a run: every 2xx has its row, every row its outcome."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import exists, func, select, update

from benchmarks.load.payload import PayloadMaker
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.event import Event
from eventlog.query_plans import is_unfinished
from eventlog.states import State
from eventlog.tables import bodies, deliveries, events

_BATCH: Final = 1000


class CountsDiffer(Exception):  # noqa: N818 - named for what happened
    """What was promised and what is stored are not alike: the run counts for nothing."""


def last_seq(log: EventLog) -> int:
    with log.read() as connection:
        return connection.execute(select(func.max(events.c.seq))).scalar_one() or 0


def store_events(log: EventLog, prefix: str, number: int) -> None:
    """Store events as a receiver does, without sending a job for them."""
    maker = PayloadMaker(prefix, size=300)
    for start in range(0, number, _BATCH):
        made = [maker.make(place) for place in range(start, min(start + _BATCH, number))]
        now = datetime.now(UTC)
        record(
            log,
            [Event(id=each.id, type="memory.stored", received_at=now, body=each.body) for each in made],
        )


def set_aside(log: EventLog, *, after: int) -> None:
    """Take the events with a higher seq for handled: what one measurement left is not for the next."""
    with log.write() as connection:
        connection.execute(
            update(events)
            .where(events.c.seq > after, is_unfinished(events))
            .values(state=State.UNHANDLED, due_at=None, lease=None)
        )


def count_events(log: EventLog, *, after: int = 0) -> int:
    """Count the events with a higher seq."""
    with log.read() as connection:
        query = select(func.count()).select_from(events).where(events.c.seq > after)
        return connection.execute(query).scalar_one()


def count_unfinished(log: EventLog) -> int:
    """Count by the index that holds what is unfinished only."""
    with log.read() as connection:
        query = select(func.count()).select_from(events).where(is_unfinished(events))
        return connection.execute(query).scalar_one()


def require_bodies(log: EventLog, *, after: int = 0) -> None:
    """Raise `CountsDiffer` unless every event has its body."""
    bare = (
        select(func.count())
        .select_from(events)
        .where(events.c.seq > after, ~exists().where(bodies.c.event_seq == events.c.seq))
    )
    with log.read() as connection:
        found = connection.execute(bare).scalar_one()
    if found:
        raise CountsDiffer(f"{found} events are stored without a body")


def require_outcomes(log: EventLog, number: int, *, after: int = 0) -> None:
    """Raise `CountsDiffer` unless there are so many events, each done by one attempt of one handler."""
    by_state = select(events.c.state, func.count()).where(events.c.seq > after).group_by(events.c.state)
    outcomes = select(
        func.count(), func.sum(deliveries.c.attempts), func.count(deliveries.c.duration_us)
    ).where(deliveries.c.event_seq > after, deliveries.c.state == State.DONE)
    with log.read() as connection:
        states = {str(state): count for state, count in connection.execute(by_state)}
        found = tuple(connection.execute(outcomes).one())
    if states != {"done": number}:
        raise CountsDiffer(f"of {number} events not all are done: {states}")
    if found != (number, number, number):
        raise CountsDiffer(f"{number} events have outcomes, attempts, durations: {found}")


def require_between(rows: int, at_least: int, at_most: int) -> None:
    """Raise `CountsDiffer` unless what was acknowledged is stored, and nothing else."""
    if not at_least <= rows <= at_most:
        raise CountsDiffer(f"{rows} events are stored; by the answers there are {at_least} to {at_most}")
