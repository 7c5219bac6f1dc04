"""What may not be true of an event, beside its deliveries and its body.

Healthy processes break none of it, not even when they are killed: what they change together, they commit
together. A hand in the database breaks it, an old copy, a clock that was set, or a defect.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, and_, case, exists, func, null, select, type_coerce

from eventlog.hold import ORIGINAL_RUN
from eventlog.instant import database_now, microseconds
from eventlog.query_plans import unindexed
from eventlog.reconciliation.ailment import BACK_IN_QUEUE, FIX, Ailment, Among
from eventlog.reconciliation.stranding import strandings
from eventlog.states import UNFINISHED, State
from eventlog.tables import bodies, deliveries, events

_FINISHED: Final = tuple(state for state in State if state not in UNFINISHED)
_SLACK: Final = timedelta(seconds=1)
_RANKED: Final = (State.SKIPPED, State.DONE, State.RESOLVED, State.DEAD)
"""What a delivery may end as: the last of these is what its event has ended as."""

_one = deliveries.alias("one")
_OF_IT: Final = and_(_one.c.event_seq == events.c.seq, unindexed(_one.c.replay) == ORIGINAL_RUN)


def _has(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say that its original run has a delivery of which this is true."""
    return exists().where(_OF_IT, *conditions).correlate(events)


_first_waiting = (
    select(func.min(_one.c.due_at))
    .where(_OF_IT, _one.c.state == State.WAITING, _one.c.queue.is_(None))
    .correlate(events)
    .scalar_subquery()
)
_rank = case(
    {state.value: rank for rank, state in enumerate(_RANKED)}, value=_one.c.state, else_=len(_RANKED)
)
_summary = (
    select(
        case(
            {rank: state.value for rank, state in enumerate(_RANKED)},
            value=func.max(_rank),
            else_=null(),
        )
    )
    .where(_OF_IT)
    .correlate(events)
    .scalar_subquery()
)
"""As `states.summarise` has it; null where one is not finished, or there is none."""
_first_body = (
    exists()
    .where(bodies.c.event_seq == events.c.seq, bodies.c.sha256 == events.c.body_sha256)
    .correlate(events)
)

OF_EVENTS: Final = (
    *strandings(events, "events"),
    Ailment(
        name="waits for nothing",
        says="events wait, though none of their deliveries does",
        todo=FIX,
        table=events,
        among=(Among.WAITING,),
        is_ill=and_(
            events.c.state == State.WAITING,
            events.c.due_at > database_now(),
            ~_has(_one.c.state == State.WAITING),
        ),
        cure=BACK_IN_QUEUE,
        cured="queued again",
        sends_jobs=True,
    ),
    Ailment(
        name="due too late",
        says="events wait for longer than the first of their deliveries",
        todo=FIX,
        table=events,
        among=(Among.WAITING,),
        is_ill=and_(
            events.c.state == State.WAITING,
            events.c.due_at > type_coerce(_first_waiting, BigInteger) + microseconds(_SLACK),
        ),
        cure={"due_at": _first_waiting},
        cured="due with it",
    ),
    Ailment(
        name="ended too early",
        says="events are finished, though a handler is still to run",
        todo=FIX,
        table=events,
        among=(Among.IN_RUNS,),
        is_ill=and_(events.c.state.in_(_FINISHED), _has(_one.c.state.in_(UNFINISHED))),
        cure=BACK_IN_QUEUE,
        cured="queued again",
        sends_jobs=True,
    ),
    Ailment(
        name="no outcome",
        says="events are finished, though no handler's outcome is on record",
        todo=f"{FIX}: it runs their handlers, as far as the log can tell for the first time",
        table=events,
        among=(Among.NEWEST,),
        is_ill=and_(events.c.state.in_(_RANKED), ~_has()),
        cure=BACK_IN_QUEUE,
        cured="queued again",
        sends_jobs=True,
    ),
    Ailment(
        name="wrong state",
        says="events are in another state than their deliveries add up to",
        todo=FIX,
        table=events,
        among=(Among.NEWEST,),
        is_ill=and_(events.c.state.in_(_FINISHED), events.c.state != _summary),
        cure={"state": _summary},
        cured="set to what they add up to",
    ),
    Ailment(
        name="unknown state",
        says="events are in a state that this release does not know",
        todo="run the release that wrote it; if none did, set their state to 'queued' in the database",
        table=events,
        among=(Among.NEWEST,),
        is_ill=events.c.state.not_in(tuple(State)),
    ),
    Ailment(
        name="lease left",
        says="events name a lease, though they don't run",
        todo=FIX,
        table=events,
        among=(Among.LEASED,),
        is_ill=and_(events.c.lease.isnot(None), events.c.state != State.RUNNING),
        cure={"lease": null()},
        cured="lease taken off",
    ),
    Ailment(
        name="no body",
        says="events lack the body that they came with",
        todo="have ChaozCode send them again, which puts it back; or restore the log from a backup",
        table=events,
        among=(Among.QUEUED, Among.RUNNING, Among.WAITING, Among.NEWEST),
        is_ill=~_first_body,
    ),
)
