"""What is left of a replay that was cancelled or stopped: it is withdrawn, and counts as no run."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from eventlog.limits import let_in
from eventlog.lines import leave_lines
from eventlog.runs import STOPPED, WITHDRAWN
from eventlog.states import HELD_BACK, State
from eventlog.tables import deliveries, replays
from eventlog.turns import lock_slots

ENDED_EARLY: Final = ("cancelled", "stopped")
"""The states of a replay of which nothing more is to run."""

_NOT_BEGUN: Final = (State.QUEUED, State.WAITING, *HELD_BACK)
_LINES_AT_ONCE: Final = 500


def withdraw(connection: Connection, replay: int, note: str = WITHDRAWN) -> int:
    """Withdraw what does not run at the moment; returns how many deliveries that were."""
    return _withdraw(
        connection, and_(deliveries.c.replay == replay, deliveries.c.state.in_(_NOT_BEGUN)), note
    )


def withdraw_retries(connection: Connection, replay: int, seqs: Sequence[int]) -> None:
    """Withdraw the retries of these events that a replay wants which has ended early meanwhile."""
    if not seqs:
        return
    state = connection.execute(select(replays.c.state).where(replays.c.id == replay)).scalar_one_or_none()
    if state not in ENDED_EARLY:
        return
    of_them = and_(
        deliveries.c.replay == replay,
        deliveries.c.event_seq.in_(seqs),
        deliveries.c.state == State.WAITING,
    )
    _withdraw(connection, of_them, STOPPED if state == "stopped" else WITHDRAWN)


def _withdraw(connection: Connection, which: ColumnElement[bool], note: str) -> int:
    slots = (
        select(deliveries.c.handler, func.count().label("number"))
        .where(which, deliveries.c.queue.isnot(None), deliveries.c.state == State.QUEUED)
        .group_by(deliveries.c.handler)
    )
    let_go = {row.handler: row.number for row in connection.execute(slots)}
    in_line = select(deliveries.c.event_seq, deliveries.c.handler).where(which, deliveries.c.line.isnot(None))
    standing = [(row.event_seq, row.handler) for row in connection.execute(in_line)]
    withdrawn = connection.execute(
        update(deliveries).where(which).values(state=State.SKIPPED, due_at=None, note=note)
    ).rowcount
    # Whoever waits for one of these goes on; the clock sends the jobs.
    for start in range(0, len(standing), _LINES_AT_ONCE):
        leave_lines(connection, standing[start : start + _LINES_AT_ONCE])
    lock_slots(connection, let_go)
    for handler, number in let_go.items():
        let_in(connection, handler, number)
    return withdrawn
