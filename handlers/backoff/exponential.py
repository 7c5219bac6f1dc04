"""Waits that double with each failure, up to a cap, and are spread by chance."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from handlers.duration import duration, in_words

_MOST_DOUBLINGS: Final = 1000
"""2.0 ** 1024 is an OverflowError; any cap is reached long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential:
    """Made by `exponential`, which checks what it is given."""

    base: timedelta = timedelta(seconds=5)
    """The wait after the first failure; each further failure doubles it."""
    cap: timedelta = timedelta(hours=1)
    """The longest wait."""
    jitter: float = 0.5
    """The part of a wait left to chance: 0.5 spreads 10 seconds over 5 to 10."""

    def wait(self, failures: int, random: Callable[[], float]) -> timedelta:
        """Return the wait after that many failures, 1 or more; `random` gives numbers from 0 to below 1.

        Chance only ever shortens a wait, so that the cap holds.
        """
        doubled = self.base.total_seconds() * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
        return timedelta(seconds=min(doubled, self.cap.total_seconds()) * (1 - self.jitter * random()))

    def __str__(self) -> str:
        chance = f", up to {self.jitter:.0%} less by chance" if self.jitter else ""
        return f"the first after {in_words(self.base)}, doubling up to {in_words(self.cap)}{chance}"

    def to_json(self) -> dict[str, object]:
        return {
            "kind": "exponential",
            "base_seconds": self.base.total_seconds(),
            "cap_seconds": self.cap.total_seconds(),
            "jitter": self.jitter,
        }


def exponential(
    base: timedelta | float = 5, *, cap: timedelta | float = timedelta(hours=1), jitter: float = 0.5
) -> Exponential:
    """Wait `base` after the first failure, twice as long after each further one, and never over `cap`.

    `jitter`, from 0 to 1, is the part of a wait that is left to chance, so that what failed at one moment
    does not all come back at one moment. Raises ValueError.
    """
    made = Exponential(base=_length("base", base), cap=_length("cap", cap), jitter=jitter)
    if made.cap < made.base:
        raise ValueError(
            f"cap is {in_words(made.cap)}, and base {in_words(made.base)}: "
            "the longest wait can't be shorter than the first"
        )
    # NaN fails the comparison, as it should.
    if isinstance(jitter, bool) or not isinstance(jitter, int | float) or not 0 <= jitter <= 1:
        raise ValueError(f"jitter is {jitter!r}: give a number from 0 to 1")
    return made


def _length(name: str, given: timedelta | float) -> timedelta:
    try:
        return duration(given)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
