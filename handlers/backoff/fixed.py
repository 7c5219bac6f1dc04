"""The same wait after each failure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from handlers.duration import duration, in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """Made by `fixed`, which checks what it is given."""

    delay: timedelta

    def wait(self, failures: int, random: Callable[[], float]) -> timedelta:  # noqa: ARG002 - as all have it
        return self.delay

    def __str__(self) -> str:
        return f"each after {in_words(self.delay)}"

    def to_json(self) -> dict[str, object]:
        return {"kind": "fixed", "delay_seconds": self.delay.total_seconds()}


def fixed(delay: timedelta | float) -> Fixed:
    """Wait `delay`, a timedelta or a number of seconds, after each failure. Raises ValueError."""
    try:
        return Fixed(delay=duration(delay))
    except ValueError as error:
        raise ValueError(f"delay {error}") from None
