"""Between which seqs the events lie that were received within a time."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from eventlog.selection import Selection
from eventlog.tables import events

_LOOKED_AT: Final = 5000
"""Events at each end of the time: receivers have clocks of their own, so events arrive in about the order of
their times. What a wrong clock puts further away than that is not found among more."""

_ALL_LOOKED_AT: Final = 5_000_000
"""Up to so many events of a time are looked through for the exact window, in 0.2 to 0.3 s."""

_HIGHEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The seqs between two others."""

    after: int = 0
    below: int = _HIGHEST


def window_of(connection: Connection, selection: Selection, within: Window) -> Window | None:
    """Narrow a window to where a selection's times can be; None where no event was received then."""
    times = selection.times()
    after, below = within.after, within.below
    if selection.since is not None:
        earliest = select(events.c.seq).where(*times).order_by(events.c.received_at, events.c.seq)
        looked_at = earliest.limit(_LOOKED_AT).subquery()
        first = connection.execute(select(func.min(looked_at.c.seq))).scalar()
        if first is None:
            return None
        after = max(after, first - 1)
    if selection.until is not None:
        latest = select(events.c.seq).where(*times).order_by(events.c.received_at.desc(), events.c.seq.desc())
        looked_at = latest.limit(_LOOKED_AT).subquery()
        last = connection.execute(select(func.max(looked_at.c.seq))).scalar()
        if last is None:
            return None
        below = min(below, last + 1)
    return Window(after=after, below=below)


def exact_window_of(connection: Connection, selection: Selection, within: Window) -> Window:
    """Narrow a window to the events of a selection's times, unless they are too many to look through.

    Whatever the clocks of the receivers were: nothing that was received then is outside.
    """
    times = selection.times()
    if not times:
        return within
    received = select(events.c.seq).where(*times).order_by(events.c.received_at, events.c.seq)
    some = received.limit(_ALL_LOOKED_AT + 1).subquery()
    number, first, last = connection.execute(
        select(func.count(), func.min(some.c.seq), func.max(some.c.seq)).select_from(some)
    ).one()
    if number > _ALL_LOOKED_AT:
        return within
    if number == 0:
        first, last = within.below, within.below - 1
    after = max(within.after, min(first, within.below) - 1)
    return Window(after=after, below=min(within.below, last + 1))
