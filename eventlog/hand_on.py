"""Second hop: hand deliveries that run alone over to the queue of their handler, and to its line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import Connection, Select, and_, bindparam, false, or_, select, true, update

from eventlog.database import EventLog
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.instant import database_now_plus
from eventlog.lines import NO_SUBJECT, wake_first
from eventlog.open_transactions import settled_upto
from eventlog.outcome import Woken
from eventlog.outcome_rows import held_seqs
from eventlog.query_plans import is_unfinished
from eventlog.selection import Selection
from eventlog.states import REQUEUE_GRACE, State
from eventlog.tables import deliveries, events
from eventlog.turns import lock_lines
from eventlog.withdrawal import read_ending, withdraw_of

_ON_THE_WAY: Final = (State.QUEUED, State.PARKED)

_not_handed_on = and_(deliveries.c.queue.is_(None), deliveries.c.state.in_((State.QUEUED, State.RUNNING)))


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

    placed: frozenset[tuple[int, str]] = frozenset()
    """Event and handler; unless it is lost, what is not among these has to be handed on again later."""
    lost: frozenset[int] = frozenset()
    """Events of which the lease holds nothing any more: nothing was written about them."""
    woken: tuple[Woken, ...] = ()
    """To send jobs for."""


def hand_on(log: EventLog, hold: Hold, placements: Sequence[Placement]) -> HandedOn:
    """Write the deliveries of claimed events, or move claimed deliveries, to where they are to run.

    An ordered one enters its line together with all earlier events of its subject that are still to be
    handed on, whoever has claimed them, so that nothing can overtake. One that arrived while a transaction
    with earlier events was open is not placed yet. Raises `LogUnavailable`.
    """
    return log.write_again_after_collisions(lambda connection: _hand_on(log, connection, hold, placements))


def _hand_on(log: EventLog, connection: Connection, hold: Hold, placements: Sequence[Placement]) -> HandedOn:
    replay = hold.replay
    if not hold.by_event:
        # Before any row is locked: two workers may be about to move each other's deliveries.
        lock_lines(connection, _lines(placements))
    ending = None if replay == ORIGINAL_RUN else read_ending(connection, replay)
    wanted = {each.seq for each in placements}
    held = held_seqs(connection, hold, wanted)
    mine = [each for each in placements if each.seq in held]
    lost = frozenset(wanted - held)
    if hold.by_event and any(each.is_ordered for each in mine):
        upto = settled_upto(connection)
        mine = [each for each in mine if not each.is_ordered or each.seq <= upto]
    if not mine:
        return HandedOn(lost=lost)
    lines = _lines(mine)
    if hold.by_event:
        lock_lines(connection, lines)
        _insert(log, connection, mine)
    else:
        _move(connection, hold, mine)
        if ending is not None:
            withdraw_of(connection, replay, [each.seq for each in mine], _ON_THE_WAY, ending)
        else:
            _move_earlier(connection, mine, replay)
    woken = wake_first(connection, lines)
    told = {(each.event_id, each.queue) for each in woken}
    unordered = [each for each in mine if each.line is None]
    ids = _ids(connection, [each.seq for each in unordered])
    fresh = {(ids[each.seq], each.queue) for each in unordered if each.seq in ids} - told
    return HandedOn(
        placed=frozenset((each.seq, each.handler) for each in mine),
        lost=lost,
        woken=(
            *woken,
            *(Woken(event_id=event_id, replay=replay, queue=queue) for event_id, queue in sorted(fresh)),
        ),
    )


def _lines(placements: Sequence[Placement]) -> set[tuple[str, str]]:
    return {(each.handler, each.line) for each in placements if each.line is not None}


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
    rows = []
    for line, upto in sorted(last.items()):
        given = {"of_handler": one.handler, "of_line": line}
        # Those before one that stands there came with it.
        after = connection.execute(_LAST_IN_LINE, given).scalar_one_or_none() or 0
        earlier = connection.execute(
            _between(one.patterns, is_named=line != NO_SUBJECT), {**given, "after": after, "upto": upto}
        ).scalars()
        rows += [_row(seq, one.handler, one.queue, line) for seq in earlier]
    return rows


# Built once: there are two for each line, in the transaction that everybody else waits for.
_LAST_IN_LINE: Final = (
    select(deliveries.c.event_seq)
    .where(
        deliveries.c.handler == bindparam("of_handler"),
        deliveries.c.line == bindparam("of_line"),
        deliveries.c.line.isnot(None),
        deliveries.c.replay == ORIGINAL_RUN,
    )
    .order_by(deliveries.c.event_seq.desc())
    .limit(1)
)


@cache
def _between(patterns: tuple[str, ...], *, is_named: bool) -> Select[int]:
    """Select a subject's events of these types that are still to enter its line, between two seqs."""
    of_subject = events.c.subject == bindparam("of_line") if is_named else events.c.subject.is_(None)
    of_its_types = or_(
        false(), *(and_(true(), *Selection(type=pattern).conditions()) for pattern in patterns)
    )
    # Not as EXISTS: PostgreSQL would read all of the handler's rows to compare them.
    row_of_it = (
        select(deliveries.c.id)
        .where(
            deliveries.c.event_seq == events.c.seq,
            deliveries.c.handler == bindparam("of_handler"),
            deliveries.c.replay == ORIGINAL_RUN,
        )
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(events.c.seq)
        .where(
            of_subject,
            events.c.seq > bindparam("after"),
            events.c.seq < bindparam("upto"),
            is_unfinished(events),
            of_its_types,
            row_of_it.is_(None),
        )
        .order_by(events.c.seq)
    )


def _move(connection: Connection, hold: Hold, placements: Sequence[Placement]) -> None:
    for each in placements:
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.event_seq == each.seq,
                deliveries.c.handler == each.handler,
                deliveries.c.replay == hold.replay,
                deliveries.c.lease == hold.lease,
            )
            .values(
                queue=each.queue,
                line=each.line,
                lease=None,
                state=State.QUEUED if each.line is None else State.PARKED,
                due_at=None if each.line is not None else database_now_plus(REQUEUE_GRACE),
            )
        )


def _move_earlier(connection: Connection, placements: Sequence[Placement], replay: int) -> None:
    """Put those of a replay in line that come before these, and that no worker has handed on yet.

    One that another worker has claimed is taken from it: it finds that out when it hands on itself.
    """
    ordered: dict[str, dict[str, Placement]] = {}
    for each in sorted(placements, key=lambda placement: placement.seq):
        if each.line is not None:
            ordered.setdefault(each.handler, {})[each.line] = each
    for handler, last in ordered.items():
        query = (
            select(deliveries.c.id, deliveries.c.event_seq, events.c.subject)
            .join(events, events.c.seq == deliveries.c.event_seq)
            .where(
                deliveries.c.replay == replay,
                deliveries.c.handler == handler,
                _not_handed_on,
                deliveries.c.event_seq < max(each.seq for each in last.values()),
            )
            .order_by(deliveries.c.event_seq)
        )
        for row in connection.execute(query).all():
            behind = last.get(row.subject or NO_SUBJECT)
            if behind is not None and row.event_seq < behind.seq:
                connection.execute(
                    update(deliveries)
                    .where(deliveries.c.id == row.id, _not_handed_on)
                    .values(queue=behind.queue, line=behind.line, lease=None, state=State.PARKED, due_at=None)
                )


def _ids(connection: Connection, seqs: Sequence[int]) -> Mapping[int, str]:
    if not seqs:
        return {}
    query = select(events.c.seq, events.c.id).where(events.c.seq.in_(seqs))
    return {row.seq: row.id for row in connection.execute(query)}
