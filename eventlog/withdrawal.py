"""What is left of a replay that was cancelled or stopped: it is withdrawn, and counts as no run."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from eventlog.limits import let_in
from eventlog.lines import wake_first
from eventlog.query_plans import is_of_replay
from eventlog.runs import STOPPED, WITHDRAWN
from eventlog.states import HELD_BACK, State
from eventlog.tables import deliveries, replays
from eventlog.turns import lock_lines, lock_slots

ENDED_EARLY: Final = ("cancelled", "stopped")
"""The states of a replay of which nothing more is to run."""

_NOT_BEGUN: Final = (State.QUEUED, State.WAITING, *HELD_BACK)
_ROWS_AT_ONCE: Final = 500


def withdraw(connection: Connection, replay: int, note: str = WITHDRAWN) -> int:
    """Withdraw what does not run at the moment; returns how many deliveries that were."""
    return _withdraw(
        connection, and_(is_of_replay(deliveries, replay), deliveries.c.state.in_(_NOT_BEGUN)), note
    )


def read_ending(connection: Connection, replay: int) -> str | None:
    """Tell in which state a replay ended early, None where it did not, and does not until the commit."""
    query = select(replays.c.state).where(replays.c.id == replay).with_for_update(read=True)
    state = connection.execute(query).scalar_one_or_none()
    return state if state in ENDED_EARLY else None


def withdraw_retries(connection: Connection, replay: int, seqs: Sequence[int]) -> None:
    """Withdraw the retries of these events that a replay wants which has ended early meanwhile."""
    if seqs and (ending := read_ending(connection, replay)) is not None:
        withdraw_of(connection, replay, seqs, (State.WAITING,), ending)


def withdraw_of(
    connection: Connection, replay: int, seqs: Sequence[int], states: Sequence[State], ending: str
) -> None:
    """Withdraw what a replay that ended early still wants of these events."""
    of_them = and_(
        deliveries.c.replay == replay, deliveries.c.event_seq.in_(seqs), deliveries.c.state.in_(states)
    )
    _withdraw(connection, of_them, STOPPED if ending == "stopped" else WITHDRAWN)


def _withdraw(connection: Connection, which: ColumnElement[bool], note: str) -> int:
    standing = select(deliveries.c.handler, deliveries.c.line).where(which, deliveries.c.line.isnot(None))
    lines = {(row.handler, row.line) for row in connection.execute(standing.distinct())}
    # Before the rows, as everywhere: who leaves a line wakes the next, which may be one of them.
    lock_lines(connection, lines)
    lets_in = or_(
        deliveries.c.state == State.QUEUED,
        and_(deliveries.c.state == State.THROTTLED, deliveries.c.due_at.isnot(None)),
    )
    withdrawal = (
        update(deliveries)
        .values(state=State.SKIPPED, due_at=None, note=note)
        .returning(deliveries.c.id, deliveries.c.handler, deliveries.c.queue, deliveries.c.line)
    )
    slots = connection.execute(withdrawal.where(which, deliveries.c.queue.isnot(None), lets_in)).all()
    others = connection.execute(withdrawal.where(which)).all()
    let_go = {row.handler: 1 for row in others if row.queue is not None}
    for handler in {row.handler for row in slots}:
        let_go[handler] = sum(row.handler == handler for row in slots)
    in_line = [row for row in (*slots, *others) if row.line is not None]
    # Some may have entered a line since they were looked for.
    lock_lines(connection, {(row.handler, row.line) for row in in_line} - lines)
    for start in range(0, len(in_line), _ROWS_AT_ONCE):
        of_them = deliveries.c.id.in_([row.id for row in in_line[start : start + _ROWS_AT_ONCE]])
        connection.execute(update(deliveries).where(of_them).values(line=None))
    # Whoever waits for one of these goes on; the clock sends the jobs.
    wake_first(connection, {(row.handler, row.line) for row in in_line})
    lock_slots(connection, let_go)
    for handler, number in let_go.items():
        let_in(connection, handler, number)
    return len(slots) + len(others)
