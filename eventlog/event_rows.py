"""What outcomes leave on the rows of events: an event is closed, or summed up anew."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, and_, bindparam, func, not_, select, update

from eventlog.given import is_one_of
from eventlog.hold import ORIGINAL_RUN
from eventlog.instant import database_now
from eventlog.outcome import Closing
from eventlog.query_plans import is_at_rest, unindexed
from eventlog.states import UNFINISHED, State, summarise
from eventlog.tables import deliveries, events

_LOCK_EVENTS: Final = (
    select(events.c.seq)
    .where(is_one_of(events.c.seq, "seqs"))
    .order_by(events.c.seq)
    .with_for_update(key_share=True)
)


def lock_events(connection: Connection, seqs: Iterable[int]) -> None:
    """Lock events in the order of their seqs, before any delivery: everybody does."""
    connection.execute(_LOCK_EVENTS, {"seqs": list(set(seqs))}).all()


def close_events(connection: Connection, lease: str, closings: Sequence[Closing]) -> list[Closing]:
    """Close events; returns those that the deliveries which run alone had ended before."""
    by_state: dict[tuple[State, bool], list[int]] = {}
    for closing in closings:
        by_state.setdefault((closing.state, closing.is_due_now), []).append(closing.seq)
    mixed = [closing.seq for closing in closings if closing.has_lone and closing.state is not State.WAITING]
    for (state, is_due_now), seqs in by_state.items():
        waiting = _LOOK_NOW if is_due_now else _LET_WAIT
        statement = waiting if state is State.WAITING else _END
        connection.execute(statement, {"to_state": state, "held_by": lease, "seqs": seqs})
    return sum_up(connection, mixed)


_NEXT_ATTEMPT: Final = (
    select(func.min(deliveries.c.due_at))
    .where(
        deliveries.c.event_seq == events.c.seq,
        unindexed(deliveries.c.replay) == ORIGINAL_RUN,
        unindexed(deliveries.c.state) == State.WAITING,
        deliveries.c.queue.is_(None),
    )
    .scalar_subquery()
)
_CLOSE: Final = (
    update(events)
    .where(is_one_of(events.c.seq, "seqs"), unindexed(events.c.lease) == bindparam("held_by"))
    .values(state=bindparam("to_state"), lease=None)
)
_END: Final = _CLOSE.values(due_at=None)
_LOOK_NOW: Final = _CLOSE.values(due_at=database_now())
# Where no delivery waits after all, the event is looked at now: it must not wait for ever.
_LET_WAIT: Final = _CLOSE.values(due_at=func.coalesce(_NEXT_ATTEMPT, database_now()))


_NEVER: Final = datetime.max.replace(tzinfo=UTC)
# One that is due, and before its retries, still has deliveries to be handed on.
_IS_TO_BE_CLAIMED: Final = and_(
    events.c.state == State.WAITING,
    events.c.due_at.isnot(None),
    events.c.due_at <= bindparam("first_retry"),
)
_SUM_UP: Final = (
    update(events)
    .where(events.c.seq == bindparam("of_seq"), is_at_rest(events), not_(_IS_TO_BE_CLAIMED))
    .values(state=bindparam("to_state"), due_at=bindparam("next_at"))
    .returning(events.c.id)
)


def sum_up(connection: Connection, seqs: Iterable[int]) -> list[Closing]:
    """Set the state of events to what their deliveries add up to; the caller has locked them.

    One that is claimed, or about to be, is left to whoever closes it. Returns those that have ended.
    """
    wanted = set(seqs)
    ended: list[Closing] = []
    if not wanted:
        return ended
    states: dict[int, list[State]] = {seq: [] for seq in wanted}
    retries: dict[int, list[datetime]] = {}
    query = select(deliveries.c.event_seq, deliveries.c.state, deliveries.c.queue, deliveries.c.due_at).where(
        deliveries.c.event_seq.in_(wanted), unindexed(deliveries.c.replay) == ORIGINAL_RUN
    )
    for row in connection.execute(query):
        states[row.event_seq].append(State(row.state))
        if row.state == State.WAITING and row.queue is None and row.due_at is not None:
            retries.setdefault(row.event_seq, []).append(row.due_at)
    for seq, of_event in states.items():
        state = summarise(of_event)
        # What runs alone is due by itself; an event that waits for nothing else has no time of its own.
        unended = state in UNFINISHED
        first_retry = min(retries.get(seq, [_NEVER]))
        given = {
            "of_seq": seq,
            "to_state": State.WAITING if unended else state,
            "first_retry": first_retry,
            "next_at": first_retry if unended and seq in retries else None,
        }
        ids = connection.execute(_SUM_UP, given).scalars()
        ended += [Closing(seq=seq, event_id=event_id, state=state) for event_id in ids if not unended]
    return ended
