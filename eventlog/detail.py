"""All that the log knows of one event: its runs, its failures and its bodies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from eventlog.database import EventLog
from eventlog.effects import Effect, read_effects
from eventlog.lines import read_first
from eventlog.states import State
from eventlog.tables import bodies, deliveries, events, failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event to one handler in one run."""

    handler: str
    replay: int
    """0 is the original run."""
    state: State
    attempts: int
    started_at: datetime | None
    """When the last attempt began."""
    duration: timedelta | None
    """How long the last attempt took."""
    due_at: datetime | None
    version: str | None
    """Of the handler's code, when it last ran."""
    note: str | None
    release: str | None = None
    """`HOOKS_RELEASE`, where it was set when it last ran."""
    resolved_at: datetime | None = None
    """When a person said that it was dealt with; who that was, and why, stands beside it."""
    resolved_by: str | None = None
    resolved_why: str | None = None
    queue: str | None = None
    """Where it runs apart from the other handlers of its event."""
    behind: str | None = None
    """Of a parked one: the event that is first in the line of its subject."""
    holds: bool = False
    """Whether others are held in line behind it, though it is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """One attempt that failed, and why."""

    handler: str
    replay: int
    attempt: int
    failed_at: datetime
    error_type: str
    message: str
    traceback: str
    fingerprint: str
    version: str | None = None
    """Of the handler's code."""
    release: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBody:
    """One of the bodies with which an event was sent, without its bytes."""

    sha256: bytes
    received_at: datetime
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetail:
    """One event with everything about it."""

    seq: int
    id: str
    type: str
    subject: str | None
    created_at: datetime | None
    received_at: datetime
    state: State
    due_at: datetime | None
    seen: int
    deliveries: tuple[Delivery, ...]
    """By run, and within a run in the order in which they were made."""
    failures: tuple[FailedAttempt, ...]
    """By run, and within a run as they happened."""
    effects: tuple[Effect, ...]
    """The steps of `ctx.once` that are on record: by run, and within a run as they were recorded."""
    bodies: tuple[KeptBody, ...]
    """The first one received, then those that differed from it; empty where they are no longer kept."""
    body: bytes | None
    """The first body received, byte for byte."""


def read_detail(log: EventLog, event_id: str) -> EventDetail | None:
    """Read an event, or None where there is none with this id."""
    with log.read() as connection:
        row = connection.execute(select(events).where(events.c.id == event_id)).one_or_none()
        if row is None:
            return None
        kept = _read_bodies(connection, row.seq, row.body_sha256)
        first = select(bodies.c.body).where(bodies.c.event_seq == row.seq, bodies.c.sha256 == row.body_sha256)
        return EventDetail(
            seq=row.seq,
            id=row.id,
            type=row.type,
            subject=row.subject,
            created_at=row.created_at,
            received_at=row.received_at,
            state=State(row.state),
            due_at=row.due_at,
            seen=row.seen,
            deliveries=read_deliveries_of(connection, [row.seq]).get(row.seq, ()),
            failures=_read_failures(connection, row.seq),
            effects=read_effects(connection, row.seq),
            bodies=kept,
            body=connection.execute(first).scalar_one_or_none(),
        )


def read_body(log: EventLog, detail: EventDetail, number: int) -> bytes | None:
    """Read the bytes of one of an event's bodies; 1 is the first. None where there is no such body."""
    if not 1 <= number <= len(detail.bodies):
        return None
    query = select(bodies.c.body).where(
        bodies.c.event_seq == detail.seq, bodies.c.sha256 == detail.bodies[number - 1].sha256
    )
    with log.read() as connection:
        return connection.execute(query).scalar_one_or_none()


def read_deliveries_of(connection: Connection, seqs: Sequence[int]) -> dict[int, tuple[Delivery, ...]]:
    """Read the deliveries of events, by seq."""
    query = (
        select(deliveries)
        .where(deliveries.c.event_seq.in_(seqs))
        .order_by(deliveries.c.replay, deliveries.c.id)
    )
    found: dict[int, list[Delivery]] = {}
    for row in connection.execute(query):
        found.setdefault(row.event_seq, []).append(
            Delivery(
                handler=row.handler,
                replay=row.replay,
                state=State(row.state),
                attempts=row.attempts,
                started_at=row.started_at,
                duration=None if row.duration_us is None else timedelta(microseconds=row.duration_us),
                due_at=row.due_at,
                version=row.version,
                note=row.note,
                release=row.release,
                resolved_at=row.resolved_at,
                resolved_by=row.resolved_by,
                resolved_why=row.resolved_why,
                queue=row.queue,
                behind=(
                    read_first(connection, row.handler, row.line)
                    if row.state == State.PARKED and row.line is not None
                    else None
                ),
                holds=row.state == State.DEAD and row.line is not None,
            )
        )
    return {seq: tuple(group) for seq, group in found.items()}


def _read_bodies(connection: Connection, seq: int, first_sha256: bytes) -> tuple[KeptBody, ...]:
    length = func.length(bodies.c.body).label("length")
    query = select(bodies.c.sha256, bodies.c.received_at, length).where(bodies.c.event_seq == seq)
    kept = [
        KeptBody(sha256=row.sha256, received_at=row.received_at, length=row.length)
        for row in connection.execute(query)
    ]
    # The first may bear a later time than another: receivers on several machines have clocks of their own.
    return tuple(sorted(kept, key=lambda body: (body.sha256 != first_sha256, body.received_at, body.sha256)))


def attempt_of(row: Row[Any]) -> FailedAttempt:
    """Make the attempt of a row of `failures`."""
    return FailedAttempt(
        handler=row.handler,
        replay=row.replay,
        attempt=row.attempt,
        failed_at=row.failed_at,
        error_type=row.error_type,
        message=row.message,
        traceback=row.traceback,
        fingerprint=row.fingerprint,
        version=row.version,
        release=row.release,
    )


def _read_failures(connection: Connection, seq: int) -> tuple[FailedAttempt, ...]:
    query = select(failures).where(failures.c.event_seq == seq).order_by(failures.c.replay, failures.c.id)
    return tuple(attempt_of(row) for row in connection.execute(query))
