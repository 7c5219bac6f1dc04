"""Failures grouped by fingerprint: what goes wrong, how often, since when, and what is still dead of it.

Each look reads some of a group's newest failures by an index: counting stops early, and says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    exists,
    func,
    select,
)

from eventlog.database import EventLog
from eventlog.query_plans import only, unindexed
from eventlog.selection import Selection
from eventlog.still_dead import count_of_few_dead, dead_among
from eventlog.tables import events, failures

_COUNTED: Final = 1000
_LOOKED_AT: Final = 100
"""Of so many of a group's newest failures the versions are told, and those that match filters."""
_DEAD_AMONG: Final = 50

_GROUP: Final = bindparam("of_group", type_=String)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Failures to which all of the given conditions apply."""

    handler: str | None = None
    type: str | None = None
    """The event's: an exact type, or a family such as `memory.*`."""
    since: datetime | None = None
    """Failed at this time or later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCode:
    """One version of one handler's code that failed."""

    handler: str
    version: str | None
    release: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """All failures of one fingerprint."""

    fingerprint: str
    count: int
    first_at: datetime
    last_at: datetime
    error_type: str
    """Of the newest, like its message."""
    message: str
    code: tuple[FailedCode, ...]
    """What failed, as the newest tell, the newest first."""
    still_dead: int
    """How many deliveries ended with it, and have not run since."""
    more: bool
    """Whether it has failed more often than was counted."""
    more_dead: bool
    """Whether more of it may be dead than was counted."""


def read_groups(log: EventLog, filters: Filters, *, limit: int) -> list[FailureGroup]:
    """List groups, the one that failed last first; with filters, they tell of the failures that match."""
    found: list[FailureGroup] = []
    with log.read() as connection:
        dead = count_of_few_dead(connection, _conditions(filters))
        questions = _Questions(filters)
        for fingerprint in _newest_first(connection, filters):
            group = _group(connection, fingerprint, filters, questions, dead)
            found += [] if group is None else [group]
            if len(found) == limit:
                break
    return found


def newest_of(fingerprint: str | ColumnElement[str], handler: str | None = None, *, at_most: int) -> Subquery:
    """Give the newest failures of a group; of a handler alone, those among them and on its newest events."""
    of_group = only(failures.c.fingerprint, fingerprint)
    newest = _last_by(of_group, failures.c.fingerprint, failures.c.id, at_most=at_most)
    if handler is None:
        return newest.subquery("newest")
    # Neither index leads to the newest failures of one handler: those that fail again are on old events,
    # and where handlers share a group the newest may all be another's.
    among_all = newest.subquery("among_all")
    on_newest_events = _last_by(
        and_(of_group, only(failures.c.handler, handler)),
        failures.c.fingerprint,
        failures.c.handler,
        failures.c.event_seq,
        at_most=at_most,
    ).subquery("on_newest_events")
    both = (
        select(among_all)
        .where(among_all.c.handler == handler)
        .union(select(on_newest_events))
        .subquery("both")
    )
    return select(both).order_by(both.c.id.desc()).limit(at_most).subquery("newest")


def _last_by(which: ColumnElement[bool], *order: ColumnElement[Any], at_most: int) -> Select[Any]:
    names = ("id", "event_seq", "handler", "replay", "attempt", "version", "release", "failed_at")
    query = select(*(failures.c[name] for name in names)).where(which)
    return query.order_by(*(column.desc() for column in order)).limit(at_most)


def _newest_first(connection: Connection, filters: Filters) -> Iterator[str]:
    """Go from one fingerprint to the next by the index: a group may have any number of failures."""
    each = select(func.min(failures.c.fingerprint).label("fingerprint")).cte("each", recursive=True)
    other = failures.alias("other")
    following = select(func.min(other.c.fingerprint)).where(other.c.fingerprint > each.c.fingerprint)
    each = each.union_all(
        select(following.correlate(each).scalar_subquery()).where(each.c.fingerprint.isnot(None))
    )
    newest = (
        select(func.max(failures.c.id))
        .where(failures.c.fingerprint == each.c.fingerprint)
        .correlate(each)
        .scalar_subquery()
    )
    query = select(each.c.fingerprint).where(each.c.fingerprint.isnot(None)).order_by(newest.desc())
    if filters.handler is not None:
        query = query.where(
            exists()
            .where(failures.c.fingerprint == each.c.fingerprint, failures.c.handler == filters.handler)
            .correlate(each)
        )
    yield from connection.execute(query).scalars().all()


class _Questions:
    """What is asked of each group: built once, as building a statement takes longer than running it."""

    def __init__(self, filters: Filters) -> None:
        handler = filters.handler
        self.by_code = _by_code(newest_of(_GROUP, handler, at_most=_LOOKED_AT), filters)
        self.count = _count(handler)
        self.first = _first()
        self.newest = select(failures.c.error_type, failures.c.message).where(
            failures.c.id == bindparam("of_id")
        )
        self.dead = dead_among(newest_of(_GROUP, handler, at_most=_DEAD_AMONG), _conditions(filters))


def _group(
    connection: Connection,
    fingerprint: str,
    filters: Filters,
    questions: _Questions,
    dead: dict[str, int] | None,
) -> FailureGroup | None:
    group = {"of_group": fingerprint}
    by_code = connection.execute(questions.by_code, group).all()
    if not by_code:
        return None
    newest = connection.execute(questions.newest, {"of_id": max(row.newest for row in by_code)}).one()
    in_all = int(connection.execute(questions.count, group).scalar_one())
    matching = sum(row.number for row in by_code)
    first_at = min(row.first_at for row in by_code)
    is_whole = filters.type is None and filters.since is None
    if is_whole:
        first = connection.execute(questions.first, group).one()
        first_at = first.failed_at if filters.handler in (None, first.handler) else first_at
    still_dead = (
        connection.execute(questions.dead, group).scalar_one() if dead is None else dead.get(fingerprint, 0)
    )
    return FailureGroup(
        fingerprint=fingerprint,
        count=min(in_all, _COUNTED) if is_whole else matching,
        first_at=first_at,
        last_at=max(row.last_at for row in by_code),
        error_type=newest.error_type,
        message=newest.message,
        code=tuple(
            FailedCode(handler=row.handler, version=row.version, release=row.release) for row in by_code
        ),
        still_dead=still_dead,
        more=in_all > (_COUNTED if is_whole else _LOOKED_AT),
        more_dead=dead is None and in_all > _DEAD_AMONG,
    )


def _by_code(looked_at: Subquery, filters: Filters) -> Select[Any]:
    code = (looked_at.c.handler, looked_at.c.version, looked_at.c.release)
    query = (
        select(
            *code,
            func.count().label("number"),
            func.min(looked_at.c.failed_at).label("first_at"),
            func.max(looked_at.c.failed_at).label("last_at"),
            func.max(looked_at.c.id).label("newest"),
        )
        .group_by(*code)
        .order_by(func.max(looked_at.c.id).desc())
    )
    if filters.since is not None:
        query = query.where(looked_at.c.failed_at >= filters.since)
    if filters.type is not None:
        query = query.join(events, events.c.seq == looked_at.c.event_seq).where(
            *Selection(type=filters.type).residual_conditions()
        )
    return query


def _count(handler: str | None) -> Select[int]:
    """Count a group's failures up to one more than are counted."""
    some = select(failures.c.fingerprint).where(failures.c.fingerprint == _GROUP)
    if handler is not None:
        some = some.where(failures.c.handler == handler)
    return select(func.count()).select_from(some.limit(_COUNTED + 1).subquery())


def _first() -> Select[datetime, str]:
    return (
        select(failures.c.failed_at, failures.c.handler)
        .where(only(failures.c.fingerprint, _GROUP))
        .order_by(failures.c.fingerprint, failures.c.id)
        .limit(1)
    )


def find_fingerprints(log: EventLog, begins: str, *, limit: int = 3) -> list[str]:
    """Give the fingerprints that begin so, in order, up to the limit."""
    found: list[str] = []
    with log.read() as connection:
        # One seek for each: a group may have any number of failures.
        while len(found) < limit:
            following = failures.c.fingerprint > found[-1] if found else failures.c.fingerprint >= begins
            next_one = connection.execute(select(func.min(failures.c.fingerprint)).where(following)).scalar()
            if next_one is None or not next_one.startswith(begins):
                break
            found.append(next_one)
    return found


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    found = Selection(type=filters.type).residual_conditions()
    if filters.handler is not None:
        found.append(unindexed(failures.c.handler) == filters.handler)
    if filters.since is not None:
        found.append(unindexed(failures.c.failed_at) >= filters.since)
    return found
