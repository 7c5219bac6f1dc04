"""One group of failures in full: by the code that failed, the events that it hit, the newest traceback."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Subquery, and_, bindparam, func, select

from eventlog.database import EventLog
from eventlog.detail import FailedAttempt, attempt_of
from eventlog.failure_groups import FailedCode, newest_of
from eventlog.query_plans import only
from eventlog.runs import is_last_run, is_run
from eventlog.states import State
from eventlog.still_dead import count_of_few_dead, dead_among
from eventlog.tables import deliveries, events, failures

_ROWS: Final = 500
"""So many of the newest failures are looked at."""

_in_order: Final = (failures.c.fingerprint, failures.c.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfCode:
    """What one version of one handler's code has to do with it."""

    code: FailedCode
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HitEvent:
    """One event on which a handler failed so."""

    id: str
    type: str
    handler: str
    failed_at: datetime
    """The last time."""
    state: State | None
    """How the handler's last run on it stands now; None where it is not known any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDetail:
    """A group with everything about it."""

    fingerprint: str
    count: int
    events: int
    """On how many events."""
    first_at: datetime
    last_at: datetime
    still_dead: int
    by_code: tuple[OfCode, ...]
    """The code that failed last comes first."""
    more: bool
    """Whether it has failed more often than was counted."""
    more_dead: bool
    """Whether more of it may be dead than was counted."""
    newest: FailedAttempt
    newest_event_id: str
    hit: tuple[HitEvent, ...]
    """The first of the events that it hit, the newest failure first."""


def read_group(log: EventLog, fingerprint: str, *, listed: int) -> GroupDetail | None:
    """Read a group, or None where nothing failed so."""
    in_group = only(failures.c.fingerprint, fingerprint)
    newest = (
        select(failures, events.c.id.label("event_id"))
        .join(events, events.c.seq == failures.c.event_seq)
        .where(in_group)
        .order_by(*(column.desc() for column in _in_order))
        .limit(1)
    )
    with log.read() as connection:
        row = connection.execute(newest).one_or_none()
        if row is None:
            return None
        looked_at = newest_of(fingerprint, at_most=_ROWS)
        by_code = _by_code(connection, looked_at)
        count = sum(each.count for each in by_code)
        hit = connection.execute(select(func.count(looked_at.c.event_seq.distinct())))
        dead = count_of_few_dead(connection)
        first_at = select(failures.c.failed_at).where(in_group).order_by(*_in_order).limit(1)
        return GroupDetail(
            fingerprint=fingerprint,
            count=count,
            events=hit.scalar_one(),
            first_at=connection.execute(first_at).scalar_one(),
            last_at=max(each.last_at for each in by_code),
            still_dead=(
                connection.execute(dead_among(looked_at)).scalar_one()
                if dead is None
                else dead.get(fingerprint, 0)
            ),
            more=count == _ROWS,
            more_dead=count == _ROWS and dead is None,
            by_code=by_code,
            newest=attempt_of(row),
            newest_event_id=row.event_id,
            hit=_hit(connection, fingerprint, listed),
        )


def _by_code(connection: Connection, looked_at: Subquery) -> tuple[OfCode, ...]:
    code = (looked_at.c.handler, looked_at.c.version, looked_at.c.release)
    query = (
        select(
            *code,
            func.count().label("number"),
            func.min(looked_at.c.failed_at).label("first_at"),
            func.max(looked_at.c.failed_at).label("last_at"),
        )
        .group_by(*code)
        .order_by(func.max(looked_at.c.id).desc())
    )
    return tuple(
        OfCode(
            code=FailedCode(handler=row.handler, version=row.version, release=row.release),
            count=row.number,
            first_at=row.first_at,
            last_at=row.last_at,
        )
        for row in connection.execute(query)
    )


def _hit(connection: Connection, fingerprint: str, listed: int) -> tuple[HitEvent, ...]:
    newest = (
        select(failures.c.id, failures.c.event_seq, failures.c.handler, failures.c.failed_at)
        .where(only(failures.c.fingerprint, fingerprint))
        .order_by(*(column.desc() for column in _in_order))
        .limit(_ROWS)
    )
    last: dict[tuple[int, str], datetime] = {}
    for row in connection.execute(newest):
        if len(last) == listed:
            break
        last.setdefault((row.event_seq, row.handler), row.failed_at)
    return tuple(
        _hit_event(connection, seq, handler, failed_at) for (seq, handler), failed_at in last.items()
    )


# Built once: for each event anew, that would take longer than the look itself.
_OF_HANDLER: Final = and_(
    deliveries.c.event_seq == events.c.seq,
    deliveries.c.handler == bindparam("of_handler"),
    is_run(deliveries),
    is_last_run(),
)
_LAST_RUN: Final = (
    select(events.c.id, events.c.type, deliveries.c.state)
    .outerjoin_from(events, deliveries, _OF_HANDLER)
    .where(events.c.seq == bindparam("of_event"))
)


def _hit_event(connection: Connection, seq: int, handler: str, failed_at: datetime) -> HitEvent:
    row = connection.execute(_LAST_RUN, {"of_event": seq, "of_handler": handler}).one()
    return HitEvent(
        id=row.id,
        type=row.type,
        handler=handler,
        failed_at=failed_at,
        state=None if row.state is None else State(row.state),
    )
