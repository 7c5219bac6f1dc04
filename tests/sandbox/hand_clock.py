"""A clock that stands until it is moved."""

from datetime import UTC, datetime, timedelta


class HandClock:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.time = datetime(2026, 1, 14, 12, 30, tzinfo=UTC)  # a Wednesday

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **duration: float) -> None:
        self.time += timedelta(**duration)
