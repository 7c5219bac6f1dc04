"""One group of failures in full: by the code that failed, the events that it hit, the newest traceback."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, func, select

from eventlog.database import EventLog
from eventlog.detail import FailedAttempt, attempt_of
from eventlog.failure_groups import FailedCode, count_still_dead
from eventlog.runs import is_last_run, is_run
from eventlog.states import State
from eventlog.tables import deliveries, events, failures

_ROWS: Final = 5000
"""Of so many of the newest failures the events are told."""


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
    newest: FailedAttempt
    newest_event_id: str
    hit: tuple[HitEvent, ...]
    """The first of the events that it hit, the newest failure first."""


def read_group(log: EventLog, fingerprint: str, *, listed: int) -> GroupDetail | None:
    """Read a group, or None where nothing failed so."""
    in_group = failures.c.fingerprint == fingerprint
    newest = (
        select(failures, events.c.id.label("event_id"))
        .join(events, events.c.seq == failures.c.event_seq)
        .where(in_group)
        .order_by(failures.c.id.desc())
        .limit(1)
    )
    with log.read() as connection:
        row = connection.execute(newest).one_or_none()
        if row is None:
            return None
        by_code = _by_code(connection, fingerprint)
        hit = connection.execute(select(func.count(failures.c.event_seq.distinct())).where(in_group))
        return GroupDetail(
            fingerprint=fingerprint,
            count=sum(each.count for each in by_code),
            events=hit.scalar_one(),
            first_at=min(each.first_at for each in by_code),
            last_at=max(each.last_at for each in by_code),
            still_dead=count_still_dead(connection, [fingerprint]).get(fingerprint, 0),
            by_code=by_code,
            newest=attempt_of(row),
            newest_event_id=row.event_id,
            hit=_hit(connection, fingerprint, listed),
        )


def _by_code(connection: Connection, fingerprint: str) -> tuple[OfCode, ...]:
    code = (failures.c.handler, failures.c.version, failures.c.release)
    query = (
        select(
            *code,
            func.count().label("number"),
            func.min(failures.c.failed_at).label("first_at"),
            func.max(failures.c.failed_at).label("last_at"),
        )
        .where(failures.c.fingerprint == fingerprint)
        .group_by(*code)
        .order_by(func.max(failures.c.id).desc())
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
        .where(failures.c.fingerprint == fingerprint)
        .order_by(failures.c.id.desc())
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


def _hit_event(connection: Connection, seq: int, handler: str, failed_at: datetime) -> HitEvent:
    of_handler = and_(
        deliveries.c.event_seq == events.c.seq,
        deliveries.c.handler == handler,
        is_run(deliveries),
        is_last_run(),
    )
    row = connection.execute(
        select(events.c.id, events.c.type, deliveries.c.state)
        .outerjoin_from(events, deliveries, of_handler)
        .where(events.c.seq == seq)
    ).one()
    return HitEvent(
        id=row.id,
        type=row.type,
        handler=handler,
        failed_at=failed_at,
        state=None if row.state is None else State(row.state),
    )
