"""What may not be true of a delivery, beside its event and its replay."""

from typing import Final

from sqlalchemy import and_, exists, null, or_

from eventlog.hold import ORIGINAL_RUN
from eventlog.instant import database_now
from eventlog.query_plans import is_unfinished, unindexed
from eventlog.reconciliation.ailment import FIX, IN_A_REPLAY, Ailment, Among, Severity
from eventlog.reconciliation.stranding import strandings
from eventlog.runs import WITHDRAWN
from eventlog.states import State
from eventlog.tables import deliveries, events, replays
from eventlog.withdrawal import ENDED_EARLY

_its_event = exists().where(events.c.seq == deliveries.c.event_seq)
_is_held = _its_event.where(events.c.state == State.RUNNING, events.c.lease.isnot(None)).correlate(deliveries)
"""Its worker may be about to write it."""
_is_cancelled = (
    exists()
    .where(replays.c.id == deliveries.c.replay, replays.c.state.in_(ENDED_EARLY))
    .correlate(deliveries)
)

OF_DELIVERIES: Final = (
    Ailment(
        name="no event",
        says="unfinished deliveries are of no event",
        todo=FIX,
        table=deliveries,
        among=(Among.IN_RUNS,),
        is_ill=and_(is_unfinished(deliveries), ~_its_event.correlate(deliveries)),
        cure={},
        cured="deleted",
    ),
    Ailment(
        name="never run",
        says="deliveries of original runs are queued or running, where only their events can be",
        todo=FIX,
        table=deliveries,
        among=(Among.IN_RUNS,),
        is_ill=and_(
            is_unfinished(deliveries),
            unindexed(deliveries.c.replay) == ORIGINAL_RUN,
            deliveries.c.queue.is_(None),
            deliveries.c.state != State.WAITING,
            ~_is_held,
        ),
        cure={"state": State.WAITING, "lease": None, "due_at": database_now()},
        cured="set to wait, due now",
    ),
    Ailment(
        name="never due",
        says="deliveries wait without a due time",
        todo=FIX,
        table=deliveries,
        among=(Among.IN_RUNS,),
        is_ill=and_(
            is_unfinished(deliveries),
            unindexed(deliveries.c.replay) == ORIGINAL_RUN,
            deliveries.c.queue.is_(None),
            deliveries.c.state == State.WAITING,
            deliveries.c.due_at.is_(None),
            ~_is_held,
        ),
        cure={"due_at": database_now()},
        cured="due now",
    ),
)

OF_REPLAYS: Final = (
    # First, or they would be queued again and withdrawn right after.
    Ailment(
        name="cancelled",
        says="deliveries are still to run, though their replay was cancelled (they ran at that time)",
        todo=FIX,
        table=deliveries,
        among=(Among.IN_REPLAYS,),
        is_ill=and_(
            is_unfinished(deliveries),
            IN_A_REPLAY,
            deliveries.c.state != State.RUNNING,
            _is_cancelled,
        ),
        cure={"state": State.SKIPPED, "lease": None, "due_at": None, "note": WITHDRAWN},
        cured="withdrawn",
        severity=Severity.HARMLESS,
    ),
    *strandings(deliveries, "deliveries of replays"),
    Ailment(
        name="lease left",
        says="deliveries name a lease, though they don't run under it",
        todo=FIX,
        table=deliveries,
        among=(Among.LEASED,),
        is_ill=and_(
            deliveries.c.lease.isnot(None),
            or_(
                deliveries.c.state != State.RUNNING,
                and_(unindexed(deliveries.c.replay) == ORIGINAL_RUN, deliveries.c.queue.is_(None)),
            ),
        ),
        cure={"lease": null()},
        cured="lease taken off",
    ),
)
