"""Which leases went unrenewed for their whole length, by a clock that only runs: it is never set.

The database's clock says until when a lease lasts; but it may be set forward (a correction, a laptop that
slept, a machine restored from a snapshot), and then all leases look expired while their workers live. A
worker that lives renews its lease, and the sweeper sees that: so it counts by its own monotonic clock how
long each lease stood still, and ends those that stood still for as long as they last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_LONGEST_SECONDS: Final = 3600.0
"""No lease lasts longer; what looks longer was written before the database's clock was set back."""

_MISSED_LOOK_SECONDS: Final = 2.0


@dataclass(slots=True, kw_only=True)
class _Held:
    until: datetime
    left_seconds: float
    """Of a lease of our own length, had it been renewed just before it was first seen."""
    says_seconds: float
    """What the database's clock said was left then, counted down like the other."""
    unseen_seconds: float
    """How long before it was first seen it may have been renewed."""
    is_sure: bool = False
    """Whether it is known if the database's clock jumped just before."""

    def count_down(self, seconds: float) -> None:
        self.left_seconds -= seconds
        self.says_seconds -= seconds

    def correct(self, jump: timedelta) -> None:
        """Settle how much is left, knowing how far the database's clock jumped."""
        if self.is_sure:
            return
        self.is_sure = True
        least = self.left_seconds - (0 if jump else self.unseen_seconds)
        # Written before a jump back, it says too much by that; a worker with a longer lease is believed.
        says = self.says_seconds + min(jump.total_seconds(), 0)
        self.left_seconds = min(max(says, least), _LONGEST_SECONDS)

    def is_over(self) -> bool:
        return self.left_seconds <= 0 and (self.is_sure or self.says_seconds <= 0)


class LeaseWatch:
    """Remembers when each lease last changed; one for each sweeper."""

    def __init__(self, *, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._missed_look_seconds = max(_MISSED_LOOK_SECONDS, lease_seconds / 3)
        self._held: dict[str, _Held] = {}
        self._looked_at: float | None = None

    def observe(
        self,
        leases: Mapping[str, datetime],
        *,
        database_now: datetime,
        jump: timedelta | None,
        monotonic: float,
    ) -> dict[str, datetime]:
        """Note until when each lease is held now; gives those that ended, as they were noted.

        `database_now` is of the clock that wrote those times, `jump` is what `ClockWatch` says of it, and
        `monotonic` is in seconds.
        """
        passed = None if self._looked_at is None else monotonic - self._looked_at
        self._looked_at = monotonic
        if passed is None or passed > self._missed_look_seconds:
            # Nobody looked, or the log was away; then no worker could renew either. All get their whole time.
            self._held.clear()
            passed = 0.0
        held: dict[str, _Held] = {}
        for lease, until in leases.items():
            known = self._held.get(lease)
            if known is not None and known.until == until:
                known.count_down(passed)
                held[lease] = known
            else:
                held[lease] = _Held(
                    until=until,
                    left_seconds=self._lease_seconds,
                    says_seconds=(until - database_now).total_seconds(),
                    unseen_seconds=passed,
                )
            if jump is not None:
                held[lease].correct(jump)
        self._held = held
        return {lease: one.until for lease, one in held.items() if one.is_over()}
