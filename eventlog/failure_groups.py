"""Failures grouped by fingerprint: what goes wrong, how often, since when, and what is still dead of it.

Each look reads failures by an index; events are looked up one by one, and only those shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select
from sqlalchemy.engine import Row

from eventlog.database import EventLog
from eventlog.last_run import DEAD
from eventlog.query_plans import unindexed
from eventlog.runs import is_last_run
from eventlog.selection import Selection
from eventlog.tables import deliveries, events, failures

_NEWEST: Final = 1000
"""Of so many of a group's newest failures the versions are told; older ones are only counted."""


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


def read_groups(log: EventLog, filters: Filters, *, limit: int) -> list[FailureGroup]:
    """List groups, the one that failed last first; with filters, they tell of the failures that match."""
    grouped = (
        _matching(filters)
        .with_only_columns(
            failures.c.fingerprint,
            func.count().label("number"),
            func.min(failures.c.failed_at).label("first_at"),
            func.max(failures.c.failed_at).label("last_at"),
            func.max(failures.c.id).label("newest"),
        )
        .group_by(failures.c.fingerprint)
        .order_by(func.max(failures.c.id).desc())
        .limit(limit)
    )
    with log.read() as connection:
        rows = connection.execute(grouped).all()
        dead = count_still_dead(connection, [row.fingerprint for row in rows], filters)
        return [_group(connection, row, filters, dead.get(row.fingerprint, 0)) for row in rows]


def _group(connection: Connection, row: Row[Any], filters: Filters, still_dead: int) -> FailureGroup:
    newest = connection.execute(
        select(failures.c.error_type, failures.c.message).where(failures.c.id == row.newest)
    ).one()
    return FailureGroup(
        fingerprint=row.fingerprint,
        count=row.number,
        first_at=row.first_at,
        last_at=row.last_at,
        error_type=newest.error_type,
        message=newest.message,
        code=_code(connection, row.fingerprint, filters),
        still_dead=still_dead,
    )


def _code(connection: Connection, fingerprint: str, filters: Filters) -> tuple[FailedCode, ...]:
    newest = (
        _matching(filters)
        .with_only_columns(failures.c.id, failures.c.handler, failures.c.version, failures.c.release)
        .where(failures.c.fingerprint == fingerprint)
        .order_by(failures.c.id.desc())
        .limit(_NEWEST)
        .subquery()
    )
    query = (
        select(newest.c.handler, newest.c.version, newest.c.release)
        .group_by(newest.c.handler, newest.c.version, newest.c.release)
        .order_by(func.max(newest.c.id).desc())
    )
    return tuple(FailedCode(**row._asdict()) for row in connection.execute(query))


def count_still_dead(
    connection: Connection, fingerprints: Sequence[str], filters: Filters | None = None
) -> dict[str, int]:
    """Count the deliveries whose last run ended with such a failure, by fingerprint.

    It reads the index over dead deliveries: what was replayed or dealt with since costs nothing.
    """
    last_failure = and_(
        failures.c.event_seq == deliveries.c.event_seq,
        failures.c.handler == deliveries.c.handler,
        failures.c.replay == deliveries.c.replay,
        failures.c.attempt == deliveries.c.attempts,
    )
    conditions = [] if filters is None else _conditions(filters)
    query = (
        select(failures.c.fingerprint, func.count().label("number"))
        .select_from(deliveries)
        .join(failures, last_failure)
        .join(events, events.c.seq == deliveries.c.event_seq)
        .where(
            deliveries.c.state == DEAD,
            unindexed(failures.c.fingerprint).in_(fingerprints),
            is_last_run(),
            *conditions,
        )
        .group_by(failures.c.fingerprint)
    )
    return {row.fingerprint: row.number for row in connection.execute(query)}


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


def _matching(filters: Filters) -> Select[Any]:
    query = select(failures).where(*_conditions(filters))
    if filters.type is not None:
        query = query.join(events, events.c.seq == failures.c.event_seq)
    return query


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    found = Selection(type=filters.type).conditions()
    if filters.handler is not None:
        found.append(failures.c.handler == filters.handler)
    if filters.since is not None:
        found.append(failures.c.failed_at >= filters.since)
    return found
