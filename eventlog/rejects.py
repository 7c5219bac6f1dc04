"""The ring of refused requests: bounded in count and bytes, the signed ones and the unsigned ones apart."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, select, text

from eventlog.database import EventLog
from eventlog.tables import rejects

_ONE_AT_A_TIME: Final = 0x4843_0002
_AT_ONCE: Final = 100
_AT_ONCE_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How much the ring keeps of each kind, the signed and the unsigned."""

    events: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReject:
    """One refused request, to be kept."""

    received_at: datetime
    request_id: str
    status: int
    code: str
    reason: str
    """Why, for the operator; the caller was told less."""
    is_signed: bool
    signature: str | None
    """The header, made storable."""
    size: int | None
    """The body's bytes, where they were counted."""
    body: bytes | None = field(repr=False)
    not_kept: int = 0
    """How many of its kind were only counted since the one kept before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One refused request of the ring, without its body."""

    id: int
    received_at: datetime
    request_id: str
    status: int
    code: str
    reason: str
    is_signed: bool
    signature: str | None
    size: int | None
    not_kept: int
    has_body: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectFilter:
    """Refused requests to which all of the given conditions apply; with none, every one."""

    ids: tuple[int, ...] | None = None
    is_signed: bool | None = None
    since: datetime | None = None
    code: str | None = None
    """The code, or the status as a number."""

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.ids is not None:
            found.append(rejects.c.id.in_(self.ids))
        if self.is_signed is not None:
            found.append(rejects.c.is_signed == self.is_signed)
        if self.since is not None:
            found.append(rejects.c.received_at >= self.since)
        if self.code is not None:
            is_status = self.code.isdecimal()
            found.append(
                rejects.c.status == int(self.code) if is_status else rejects.c.code == self.code.upper()
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How much of one kind is in the ring."""

    events: int = 0
    bytes: int = 0
    not_kept: int = 0


def keep(log: EventLog, batch: Sequence[NewReject], quota: Quota) -> None:
    """Put refused requests into the ring, and the oldest of their own kind out of it, in one transaction.

    A body larger than the whole quota is left out, or it would push out all others. Raises `LogUnavailable`.
    """
    rows = [asdict(_without_giant_body(refused, quota)) for refused in batch]
    with log.write() as connection:
        if not log.is_sqlite:
            # Two that don't see each other's rows yet would each leave too many.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        if rows:
            connection.execute(insert(rejects), rows)
        for is_signed in (True, False):
            _prune(connection, is_signed, quota)


def _without_giant_body(refused: NewReject, quota: Quota) -> NewReject:
    if refused.body is None or len(refused.body) <= quota.bytes:
        return refused
    return replace(refused, body=None)


_KEPT_BYTES: Final = case((rejects.c.body.is_(None), 0), else_=func.coalesce(rejects.c.size, 0))


def _prune(connection: Connection, is_signed: bool, quota: Quota) -> None:
    newest_first = rejects.c.id.desc()
    ranked = (
        select(
            rejects.c.id,
            func.row_number().over(order_by=newest_first).label("place"),
            func.sum(_KEPT_BYTES).over(order_by=newest_first).label("bytes_upto"),
        )
        .where(rejects.c.is_signed == is_signed)
        .subquery()
    )
    too_much = (ranked.c.place > quota.events) | (ranked.c.bytes_upto > quota.bytes)
    newest_to_go = select(func.max(ranked.c.id)).where(too_much).scalar_subquery()
    connection.execute(delete(rejects).where(rejects.c.is_signed == is_signed, rejects.c.id <= newest_to_go))


def read_rejects(log: EventLog, wanted: RejectFilter, *, limit: int | None = None) -> list[Reject]:
    """Read refused requests without their bodies, the newest first."""
    columns = [column for column in rejects.c if column.name != "body"]
    query = (
        select(*columns, rejects.c.body.is_not(None).label("has_body"))
        .where(*wanted.conditions())
        .order_by(rejects.c.id.desc())
        .limit(limit)
    )
    with log.read() as connection:
        return [_reject(row._asdict()) for row in connection.execute(query)]


def _reject(row: dict[str, Any]) -> Reject:
    return Reject(**row | {"is_signed": bool(row["is_signed"]), "has_body": bool(row["has_body"])})


def read_with_bodies(log: EventLog, wanted: Sequence[Reject]) -> Iterator[list[tuple[Reject, bytes | None]]]:
    """Read what was kept of their bodies, some at a time, so that never all are in memory."""
    for batch in _batches(wanted):
        ids = [reject.id for reject in batch]
        with log.read() as connection:
            query = select(rejects.c.id, rejects.c.body).where(rejects.c.id.in_(ids))
            bodies = {reject_id: body for reject_id, body in connection.execute(query)}  # noqa: C416 - rows
        yield [(reject, bodies.get(reject.id)) for reject in batch]


def _batches(wanted: Sequence[Reject]) -> Iterator[list[Reject]]:
    batch: list[Reject] = []
    size = 0
    for reject in wanted:
        batch.append(reject)
        size += reject.size or 0
        if len(batch) == _AT_ONCE or size >= _AT_ONCE_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def read_totals(log: EventLog) -> dict[bool, Totals]:
    """Count what is in the ring: of the signed (True) and of the unsigned (False)."""
    query = select(
        rejects.c.is_signed, func.count(), func.sum(_KEPT_BYTES), func.sum(rejects.c.not_kept)
    ).group_by(rejects.c.is_signed)
    found = {True: Totals(), False: Totals()}
    with log.read() as connection:
        for is_signed, events, kept_bytes, not_kept in connection.execute(query):
            found[bool(is_signed)] = Totals(events=events, bytes=int(kept_bytes), not_kept=int(not_kept))
    return found


def remove(log: EventLog, ids: Sequence[int]) -> None:
    """Take refused requests out of the ring. Raises `LogUnavailable`."""
    with log.write() as connection:
        connection.execute(delete(rejects).where(rejects.c.id.in_(ids)))
