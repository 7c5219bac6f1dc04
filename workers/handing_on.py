"""Between claim and dispatch: hand on what is not to run here, so that the rest of the batch can."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, sleep  # by name: what a handler does to the module is nothing to us
from typing import Final

import structlog

from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.hand_on import Placement, hand_on
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.leases import Claimed
from eventlog.outcome import Woken
from handlers import Router
from workers.placing import placements

_TRY_SECONDS: Final = 0.2
_AGAIN_SECONDS: Final = 0.01
_AT_ONCE: Final = 100
"""In one transaction: on SQLite nobody else writes meanwhile, and no event is accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Which handlers a worker is not to call for what it claimed, by event."""

    handlers: Mapping[int, Collection[str]]
    unplaced: Mapping[int, Collection[str]]
    """Those of them that could not be handed on yet."""


_NOTHING: Final = Elsewhere(handlers={}, unplaced={})


def hand_on_elsewhere(
    log: EventLog,
    router: Router,
    hold: Hold,
    claimed: Sequence[Claimed],
    *,
    wake: Callable[[Sequence[Woken]], None],
) -> Elsewhere:
    """Hand on what is to run elsewhere, for a moment also again; `wake` is given what may run then."""
    wanted = [placement for one in claimed for placement in placements(router, one, hold)]
    if not wanted:
        return _NOTHING
    placed, unplaced = _hand_on(log, hold, wanted, wake)
    handed_on = {seq for seq, _ in placed}
    for one in claimed:
        if one.seq in handed_on and hold.replay == ORIGINAL_RUN:
            structlog.get_logger("worker").info("event_handed_on", event_id=one.event.id)
    return Elsewhere(handlers=_by_event(wanted), unplaced=_by_event(unplaced))


def _hand_on(
    log: EventLog,
    hold: Hold,
    wanted: Sequence[Placement],
    wake: Callable[[Sequence[Woken]], None],
) -> tuple[set[tuple[int, str]], Sequence[Placement]]:
    """Give what was handed on, by event and handler, and what was not, and is not lost either."""
    placed: set[tuple[int, str]] = set()
    lost: set[int] = set()

    def still(left: Sequence[Placement]) -> Sequence[Placement]:
        return [each for each in left if (each.seq, each.handler) not in placed and each.seq not in lost]

    left = wanted
    until = monotonic() + _TRY_SECONDS
    try:
        while True:
            for start in range(0, len(left), _AT_ONCE):
                handed = hand_on(log, hold, left[start : start + _AT_ONCE])
                wake(handed.woken)
                placed |= handed.placed
                # No news: the keeper may have handed it back, or another worker have taken it to its line.
                lost |= handed.lost
            left = still(left)
            if not left or monotonic() > until:
                return placed, left
            sleep(_AGAIN_SECONDS)  # an intake with earlier events is about to commit
    except LogUnavailable as error:
        structlog.get_logger("worker").warning("log_unavailable", while_doing="hand on", error=str(error))
        return placed, still(left)


def _by_event(some: Sequence[Placement]) -> Mapping[int, Collection[str]]:
    handlers: dict[int, list[str]] = {}
    for each in some:
        handlers.setdefault(each.seq, []).append(each.handler)
    return handlers
