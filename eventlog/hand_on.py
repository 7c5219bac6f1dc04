"""Second hop: hand deliveries that run alone over to the queue of their handler, and to its line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, exists, false, or_, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from eventlog.acceptance import REQUEUE_GRACE
from eventlog.database import EventLog
from eventlog.instant import database_now_plus
from eventlog.leases import ORIGINAL_RUN
from eventlog.lines import NO_SUBJECT, Woken, wake_first
from eventlog.open_transactions import settled_upto
from eventlog.outcome_rows import held_seqs
from eventlog.query_plans import is_unfinished
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import deliveries, events
from eventlog.turns import lock_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a delivery is to run."""

    seq: int
    handler: str
    queue: str
    is_ordered: bool = False
    subject: str | None = None
    """The event's; only looked at where it is ordered."""
    patterns: tuple[str, ...] = ()
    """Of the handler: which earlier events of the subject come before this one."""

    @property
    def line(self) -> str | None:
        return (self.subject or NO_SUBJECT) if self.is_ordered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOn:
    """What came of it."""

    placed: frozenset[tuple[int, str]]
    """Event and handler; what is not among them has to be handed on again later."""
    woken: tuple[Woken, ...]
    """To send jobs for."""


def hand_on(
    log: EventLog,
    placements: Sequence[Placement],
    *,
    replay: int,
    lease: str,
    queue: str | None = None,
) -> HandedOn:
    """Write the deliveries of claimed events, or move claimed deliveries, to where they are to run.

    An ordered one enters its line together with all earlier events of its subject that are still to be
    handed on, so that nothing can overtake. One that arrived while a transaction with earlier events was open
    is not placed yet. Raises `LogUnavailable`.
    """
    return log.write_again_after_collisions(
        lambda connection: _hand_on(log, connection, placements, replay, lease, queue)
    )


def _hand_on(
    log: EventLog,
    connection: Connection,
    placements: Sequence[Placement],
    replay: int,
    lease: str,
    queue: str | None,
) -> HandedOn:
    held = held_seqs(connection, replay, lease, {each.seq for each in placements}, queue=queue)
    mine = [each for each in placements if each.seq in held]
    by_event = replay == ORIGINAL_RUN and queue is None
    if by_event and any(each.is_ordered for each in mine):
        upto = settled_upto(connection)
        mine = [each for each in mine if not each.is_ordered or each.seq <= upto]
    if not mine:
        return HandedOn(placed=frozenset(), woken=())
    lines = {(each.handler, each.line) for each in mine if each.line is not None}
    lock_lines(connection, lines)
    if by_event:
        _insert(log, connection, mine)
    else:
        _move(connection, mine, replay, lease)
    woken = wake_first(connection, lines)
    told = {(each.event_id, each.queue) for each in woken}
    unordered = [each for each in mine if each.line is None]
    ids = _ids(connection, [each.seq for each in unordered])
    fresh = {(ids[each.seq], each.queue) for each in unordered if each.seq in ids} - told
    return HandedOn(
        placed=frozenset((each.seq, each.handler) for each in mine),
        woken=(
            *woken,
            *(Woken(event_id=event_id, replay=replay, queue=queue) for event_id, queue in sorted(fresh)),
        ),
    )


def _insert(log: EventLog, connection: Connection, placements: Sequence[Placement]) -> None:
    rows = [_row(each.seq, each.handler, each.queue, each.line) for each in placements]
    ordered: dict[str, list[Placement]] = {}
    for each in placements:
        if each.line is not None:
            ordered.setdefault(each.handler, []).append(each)
    for of_handler in ordered.values():
        rows += _earlier(connection, of_handler)
    fresh = log.insert(deliveries).values(replay=ORIGINAL_RUN)
    for state, due_at in ((State.QUEUED, database_now_plus(REQUEUE_GRACE)), (State.PARKED, None)):
        if of_state := [row for row in rows if row["state"] is state]:
            connection.execute(fresh.values(due_at=due_at).on_conflict_do_nothing(), of_state)


def _row(seq: int, handler: str, queue: str, line: str | None) -> dict[str, object]:
    return {
        "event_seq": seq,
        "handler": handler,
        "queue": queue,
        "line": line,
        "state": State.QUEUED if line is None else State.PARKED,
    }


def _earlier(connection: Connection, placements: Sequence[Placement]) -> list[dict[str, object]]:
    """Find the events that come before these in the lines of one handler, and are not in them yet."""
    one = placements[0]
    last: dict[str, int] = {}
    for each in placements:
        last[each.line or NO_SUBJECT] = max(each.seq, last.get(each.line or NO_SUBJECT, 0))
    of_its_types = or_(
        false(), *(and_(true(), *Selection(type=pattern).conditions()) for pattern in one.patterns)
    )
    has_row = exists().where(
        deliveries.c.event_seq == events.c.seq,
        deliveries.c.handler == one.handler,
        deliveries.c.replay == ORIGINAL_RUN,
    )
    rows = []
    for line, seq in sorted(last.items()):
        of_subject: ColumnElement[bool] = (
            events.c.subject.is_(None) if line == NO_SUBJECT else events.c.subject == line
        )
        query = (
            select(events.c.seq)
            .where(of_subject, events.c.seq < seq, is_unfinished(events), of_its_types, ~has_row)
            .order_by(events.c.seq)
        )
        rows += [
            _row(earlier, one.handler, one.queue, line) for earlier in connection.execute(query).scalars()
        ]
    return rows


def _move(connection: Connection, placements: Sequence[Placement], replay: int, lease: str) -> None:
    for each in placements:
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.event_seq == each.seq,
                deliveries.c.handler == each.handler,
                deliveries.c.replay == replay,
                deliveries.c.lease == lease,
            )
            .values(
                queue=each.queue,
                line=each.line,
                lease=None,
                state=State.QUEUED if each.line is None else State.PARKED,
                due_at=None if each.line is not None else database_now_plus(REQUEUE_GRACE),
            )
        )


def _ids(connection: Connection, seqs: Sequence[int]) -> Mapping[int, str]:
    if not seqs:
        return {}
    query = select(events.c.seq, events.c.id).where(events.c.seq.in_(seqs))
    return {row.seq: row.id for row in connection.execute(query)}
