"""Order: deliveries of an ordered handler that are about one subject stand in line, and run one by one.

A delivery stands there until it has ended: as long, `deliveries.line` names the subject. The first may run;
those behind it are parked, and nothing is due of them. Who leaves the line wakes the next in the same
transaction, so that nobody is forgotten. A dead one stays, where its handler wants it to hold the line.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, or_, select, tuple_, update

from eventlog.given import is_one_of
from eventlog.instant import database_now_plus, microseconds
from eventlog.outcome import Woken
from eventlog.query_plans import is_unended_alone, unindexed
from eventlog.states import HELD_BACK, REQUEUE_GRACE, UNFINISHED, State
from eventlog.tables import deliveries, events
from eventlog.turns import lock_lines

NO_SUBJECT: Final = ""
"""The line of those events that name no subject."""

_UNENDED: Final = (*UNFINISHED, *HELD_BACK)
_before = deliveries.alias("before")


_STANDING: Final = select(deliveries.c.event_seq, deliveries.c.handler, deliveries.c.line).where(
    is_one_of(deliveries.c.event_seq, "seqs"), deliveries.c.line.isnot(None)
)


def is_blocked() -> ColumnElement[bool]:
    """Say that another delivery of the same line runs, or comes before."""
    # Two questions, each with its own index: asked as one, the whole line is read for its first.
    comes_before = exists().where(
        _before.c.handler == deliveries.c.handler,
        _before.c.line == deliveries.c.line,
        _before.c.line.isnot(None),
        _before.c.event_seq < deliveries.c.event_seq,
    )
    runs = exists().where(
        _before.c.handler == deliveries.c.handler,
        is_unended_alone(_before),
        _before.c.state == State.RUNNING,
        unindexed(_before.c.line) == deliveries.c.line,
        _before.c.id != deliveries.c.id,
    )
    return or_(comes_before.correlate(deliveries), runs.correlate(deliveries))


# Built once: there are two for each line, in the transaction that everybody else waits for.
_FIRST_PARKED: Final = (
    select(deliveries.c.id, deliveries.c.replay, deliveries.c.queue, events.c.id.label("event_id"))
    .join(events, events.c.seq == deliveries.c.event_seq)
    .where(
        deliveries.c.handler == bindparam("of_handler"),
        deliveries.c.line == bindparam("of_line"),
        deliveries.c.line.isnot(None),
        deliveries.c.state == State.PARKED,
    )
    .order_by(deliveries.c.event_seq, deliveries.c.replay)
    .limit(1)
    # Its replay may be withdrawn at this moment: then the next one is found.
    .with_for_update(of=deliveries)
)
_WAKE: Final = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("parked"), ~is_blocked())
    .values(state=State.QUEUED, due_at=database_now_plus("swept_in_us"))
)


def wake_first(
    connection: Connection, lines: Iterable[tuple[str, str]], *, swept_in: timedelta = REQUEUE_GRACE
) -> list[Woken]:
    """Let the first of each line run that nothing comes before; the caller has locked the lines.

    The sweeper sends jobs for those that are still queued after `swept_in`.
    """
    woken = []
    for handler, line in sorted(set(lines)):
        row = connection.execute(_FIRST_PARKED, {"of_handler": handler, "of_line": line}).one_or_none()
        if row is None:
            continue
        freed = connection.execute(_WAKE, {"parked": row.id, "swept_in_us": microseconds(swept_in)}).rowcount
        if freed:
            woken.append(Woken(event_id=row.event_id, replay=row.replay, queue=row.queue))
    return woken


def read_first(connection: Connection, handler: str, line: str) -> str | None:
    """Give the event whose delivery stands first in a line, None in an empty one."""
    query = (
        select(events.c.id)
        .join(deliveries, deliveries.c.event_seq == events.c.seq)
        .where(deliveries.c.handler == handler, deliveries.c.line == line)
        .order_by(deliveries.c.event_seq)
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def leave_lines(
    connection: Connection, ended: Sequence[tuple[int, str]], *, swept_in: timedelta = REQUEUE_GRACE
) -> list[Woken]:
    """Take ended deliveries, given as event and handler, out of their lines, and wake those behind them.

    What an earlier run of one of them held is let go with it.
    """
    if not ended:
        return []
    pairs = set(ended)
    rows = connection.execute(_STANDING, {"seqs": [seq for seq, _ in ended]})
    lines = {(row.handler, row.line) for row in rows if (row.event_seq, row.handler) in pairs}
    if not lines:
        return []
    lock_lines(connection, lines)
    of_them = and_(
        # Said twice: of pairs SQLite makes no use of an index.
        deliveries.c.event_seq.in_({seq for seq, _ in ended}),
        tuple_(deliveries.c.event_seq, deliveries.c.handler).in_(list(ended)),
    )
    connection.execute(
        update(deliveries)
        .where(of_them, deliveries.c.line.isnot(None), deliveries.c.state.not_in(_UNENDED))
        .values(line=None)
    )
    return wake_first(connection, lines, swept_in=swept_in)


def release_line(connection: Connection, event_seq: int, handler: str) -> list[Woken]:
    """Let those go on that a dead delivery holds; the clock sends jobs for what this returns."""
    return leave_lines(connection, [(event_seq, handler)], swept_in=timedelta(0))
