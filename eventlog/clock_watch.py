"""Whether the database's clock was set, seen by comparing it with one that only runs."""

from datetime import datetime, timedelta
from typing import Final

_LEAST_SECONDS: Final = 1.0
_SLOW_SECONDS: Final = 0.5


class ClockWatch:
    """Remembers how far the two clocks are apart.

    A machine that sleeps stops the running clock: that looks as if the other had been set forward, and
    means the same.
    """

    def __init__(self) -> None:
        self._apart: float | None = None

    def observe(self, database_now: datetime, *, asked: float, answered: float) -> timedelta | None:
        """Compare a reading of the database's clock with when it was asked for, and when it came.

        Returns by how much that clock jumped since the last reading that told: zero, as a rule; None when the
        answer was too slow to tell. Both clocks may run at slightly different speeds.
        """
        if not 0 <= answered - asked <= _SLOW_SECONDS:
            return None
        apart = database_now.timestamp() - (asked + answered) / 2
        jump = 0.0 if self._apart is None else apart - self._apart
        self._apart = apart
        return timedelta(seconds=jump) if abs(jump) > _LEAST_SECONDS else timedelta(0)
