"""When a failed handler is tried again: exponential backoff with jitter, as a pure decision."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from .duration import LONGEST

_MOST_DOUBLINGS: Final = 1000
"""2.0 ** 1024 is an OverflowError; any cap is reached long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how late a handler is tried again; ValueError for values that make no sense."""

    retries: int = 5
    """Attempts after the first one; 0 means a single attempt."""
    base_seconds: float = 5.0
    """The wait after the first failure; each further failure doubles it."""
    cap_seconds: float = 3600.0
    """The longest wait."""
    jitter: float = 0.5
    """The part of a wait left to chance: 0.5 spreads 10 seconds over 5 to 10."""

    def __post_init__(self) -> None:
        if isinstance(self.retries, bool) or not isinstance(self.retries, int) or self.retries < 0:
            raise ValueError(f"retries is {self.retries!r}: give a whole number, 0 or more")
        _require_number("base_seconds", self.base_seconds, 0, LONGEST.total_seconds())
        _require_number("cap_seconds", self.cap_seconds, 0, LONGEST.total_seconds())
        _require_number("jitter", self.jitter, 0, 1)
        if self.cap_seconds < self.base_seconds:
            raise ValueError(
                f"cap_seconds ({self.cap_seconds!r}) is less than base_seconds ({self.base_seconds!r}): "
                "the longest wait can't be shorter than the first"
            )

    def delay(self, failures: int, random: Callable[[], float]) -> timedelta | None:
        """Return the wait after that many failures (1 or more), or None when the retries are used up.

        `random` gives numbers from 0 to below 1. Chance only ever shortens a wait, so that the cap holds.
        """
        if failures < 1:
            raise ValueError(f"failures is {failures!r}: a delay follows at least one failure")
        if failures > self.retries:
            return None
        doubled = self.base_seconds * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
        return timedelta(seconds=min(doubled, self.cap_seconds) * (1 - self.jitter * random()))


def _require_number(name: str, value: object, least: float, most: float) -> None:
    # NaN fails the comparison, as it should.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}: give a number from {least:g} to {most:g}")
