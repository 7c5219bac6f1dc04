"""A safety net under what runs alone: nobody stays parked or throttled when nobody is left to wake it.

Whoever ends a delivery wakes the next in the same transaction; this finds, a minute later, what a defect or a
hand in the database left behind, and says so.
"""

from typing import Final

import structlog

from eventlog.database import EventLog
from eventlog.reconciliation.ailment import Ailment
from eventlog.reconciliation.mending import mend
from eventlog.reconciliation.of_lone import FORGOTTEN
from eventlog.reconciliation.search import Place, search_on

_EVERY_SECONDS: Final = 60.0
_ROWS: Final = 20_000


class LoneWatch:
    """Looks once a minute, at the next twenty thousand that have not ended, round and round."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._looked_at: float | None = None
        self._places: dict[Ailment, Place | None] = {}
        """Where each look goes on: what is held for good, and sorts first, must not hide the rest."""

    def look(self, now: float) -> None:
        """Queue what was forgotten; `now` is of a monotonic clock. Raises `LogUnavailable`."""
        if self._looked_at is None:
            self._looked_at = now  # the first look comes a minute after the start
        if now - self._looked_at < _EVERY_SECONDS:
            return
        self._looked_at = now
        for ailment in FORGOTTEN:
            found, place = search_on(self._log, ailment, self._places.get(ailment), rows=_ROWS)
            if cured := mend(self._log, ailment, found):
                structlog.get_logger("clock").warning(
                    "deliveries_forgotten", what=ailment.says, number=len(cured), first=cured[0].name
                )
            self._places[ailment] = place
