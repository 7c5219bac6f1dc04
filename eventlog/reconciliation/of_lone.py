"""What may not be true of a delivery that runs alone: in a queue of its own, in line, or within limits."""

from typing import Final

from sqlalchemy import and_, exists, null, or_

from eventlog.instant import database_now, database_now_plus
from eventlog.lines import is_blocked
from eventlog.query_plans import is_unended_alone, unindexed
from eventlog.reconciliation.ailment import BACK_IN_QUEUE, FIX, OVERDUE, Ailment, Among
from eventlog.states import State
from eventlog.tables import deliveries

_state = unindexed(deliveries.c.state)
_other = deliveries.alias("other")
_lets_in = (
    exists()
    .where(
        _other.c.handler == deliveries.c.handler,
        is_unended_alone(_other),
        _other.c.state.in_((State.RUNNING, State.QUEUED)),
    )
    .correlate(deliveries)
)
"""Another one of its handler runs, or will, and lets it in when that ends."""

OF_LONE: Final = (
    Ailment(
        name="line not left",
        says="deliveries have ended and still stand in line, where others wait behind them",
        todo=FIX,
        table=deliveries,
        among=(Among.IN_LINES,),
        is_ill=and_(
            deliveries.c.line.isnot(None),
            _state.in_((State.DONE, State.SKIPPED, State.RESOLVED)),
        ),
        cure={"line": null()},
        cured="left",
    ),
    Ailment(
        name="never due alone",
        says="deliveries in queues of their own are unfinished without a due time",
        todo=FIX,
        table=deliveries,
        among=(Among.ALONE,),
        is_ill=and_(
            is_unended_alone(deliveries),
            _state.in_((State.QUEUED, State.WAITING)),
            deliveries.c.due_at.is_(None),
        ),
        cure={"due_at": database_now()},
        cured="due now",
    ),
    Ailment(
        name="overdue alone",
        says="deliveries in queues of their own are more than 60 s overdue",
        todo="start the clock (hooks clock); or --fix",
        table=deliveries,
        among=(Among.ALONE,),
        is_ill=and_(
            is_unended_alone(deliveries),
            _state.in_((State.WAITING, State.THROTTLED)),
            deliveries.c.due_at < database_now_plus(-OVERDUE),
        ),
        cure=BACK_IN_QUEUE,
        cured="queued again",
    ),
    Ailment(
        name="no lease alone",
        says="deliveries in queues of their own run without a lease, or under one that nobody renewed",
        todo="start the clock (hooks clock); or --fix",
        table=deliveries,
        among=(Among.ALONE,),
        is_ill=and_(
            is_unended_alone(deliveries),
            _state == State.RUNNING,
            or_(
                deliveries.c.lease.is_(None),
                deliveries.c.due_at.is_(None),
                deliveries.c.due_at < database_now_plus(-OVERDUE),
            ),
        ),
        cure=BACK_IN_QUEUE,
        cured="queued again",
        may_be_held=True,
    ),
    Ailment(
        name="parked behind nobody",
        says="deliveries are parked, though none of their subject comes before them",
        todo=FIX,
        table=deliveries,
        among=(Among.ALONE,),
        is_ill=and_(is_unended_alone(deliveries), _state == State.PARKED, ~is_blocked()),
        cure=BACK_IN_QUEUE,
        cured="queued",
    ),
    Ailment(
        name="throttled by nobody",
        says="deliveries wait for a slot, though none of their handler runs",
        todo=FIX,
        table=deliveries,
        among=(Among.ALONE,),
        is_ill=and_(
            is_unended_alone(deliveries),
            _state == State.THROTTLED,
            deliveries.c.due_at.is_(None),
            ~_lets_in,
        ),
        cure=BACK_IN_QUEUE,
        cured="queued",
    ),
)
"""Lines first: who leaves one may leave others parked behind nobody."""

FORGOTTEN: Final = tuple(
    ailment
    for ailment in OF_LONE
    if ailment.name in {"line not left", "parked behind nobody", "throttled by nobody"}
)
"""Those that nothing else would ever bring on."""
