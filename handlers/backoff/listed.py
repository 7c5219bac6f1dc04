"""Waits that are listed one by one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from handlers.duration import duration, in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Made by `listed`, which checks what it is given."""

    delays: tuple[timedelta, ...]
    """One or more; past the end, the last is repeated."""

    def wait(self, failures: int, random: Callable[[], float]) -> timedelta:  # noqa: ARG002 - as all have it
        return self.delays[min(failures, len(self.delays)) - 1]

    def __str__(self) -> str:
        return f"after {', '.join(in_words(delay) for delay in self.delays)}"

    def to_json(self) -> dict[str, object]:
        return {"kind": "listed", "delays_seconds": [delay.total_seconds() for delay in self.delays]}


def listed(delays: Sequence[timedelta | float]) -> Listed:
    """Wait as long as the list says, one after the other. Raises ValueError."""
    if not delays:
        raise ValueError("backoff is an empty list: give a delay for each retry, or retries=0 for none")
    try:
        return Listed(delays=tuple(duration(delay) for delay in delays))
    except ValueError as error:
        raise ValueError(f"backoff {error}") from None
