"""What strands an event, and just so a delivery of a replay: both are claimed, leased and swept alike."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, exists, or_

from eventlog.instant import database_now_plus
from eventlog.query_plans import is_unended_alone, is_unfinished, unindexed
from eventlog.reconciliation.ailment import BACK_IN_QUEUE, FIX, IN_A_REPLAY, OVERDUE, Ailment, Among
from eventlog.states import State
from eventlog.tables import deliveries, events

_CLOCK: Final = (
    "start the clock (hooks clock), which queues them again, and a worker (hooks worker); or --fix"
)
_SOON: Final = timedelta(seconds=60)
"""What is queued is looked at again after a few seconds."""
_LONGEST_LEASE: Final = timedelta(hours=2)
"""Twice as long as one can be set to."""


def strandings(table: Table, rows: str) -> tuple[Ailment, ...]:
    """Give what strands rows of a table, of deliveries those of replays; `rows` names them."""
    of_replays = table is deliveries
    mine = [is_unfinished(table), *([IN_A_REPLAY, deliveries.c.queue.is_(None)] if of_replays else [])]
    waits_for_lone = (
        exists().where(deliveries.c.event_seq == events.c.seq, is_unended_alone(deliveries)).correlate(events)
    )

    def stranding(
        name: str,
        says: str,
        among: Among,
        *conditions: ColumnElement[bool],
        **more: Any,  # noqa: ANN401
    ) -> Ailment:
        return Ailment(
            name=name,
            says=f"{rows} {says}",
            table=table,
            among=(among,),
            is_ill=and_(*mine, *conditions),
            cure=BACK_IN_QUEUE,
            cured="queued again",
            sends_jobs=True,
            **{"todo": FIX} | more,
        )

    # The index over unfinished events begins with their state, the one over deliveries of replays has none.
    state = unindexed(table.c.state) if of_replays else table.c.state
    put_off = state.in_((State.QUEUED, State.WAITING))
    is_running = table.c.state == State.RUNNING
    return (
        stranding(
            "stranded",
            "unfinished and more than 60 s overdue",
            Among.DUE,
            put_off,
            table.c.due_at < database_now_plus(-OVERDUE),
            todo=_CLOCK,
            may_be_backlog=True,
        ),
        stranding(
            "never due",
            "unfinished without a due time, so that no sweep finds them",
            Among.DUE,
            put_off,
            table.c.due_at.is_(None),
            *([] if of_replays else [~waits_for_lone]),
        ),
        stranding(
            "due too late",
            "queued, but swept only in more than a minute",
            Among.IN_REPLAYS if of_replays else Among.QUEUED,
            table.c.state == State.QUEUED,
            table.c.due_at > database_now_plus(_SOON),
        ),
        stranding(
            "no lease",
            "running without a lease, so that nobody runs them",
            Among.IN_REPLAYS if of_replays else Among.RUNNING,
            is_running,
            table.c.lease.is_(None),
        ),
        stranding(
            "lease over",
            "running under a lease that no worker has renewed",
            Among.IN_REPLAYS if of_replays else Among.RUNNING,
            is_running,
            table.c.lease.isnot(None),
            or_(
                table.c.due_at.is_(None),
                table.c.due_at < database_now_plus(-OVERDUE),
                table.c.due_at > database_now_plus(_LONGEST_LEASE),
            ),
            todo=_CLOCK,
            may_be_held=True,
        ),
    )
