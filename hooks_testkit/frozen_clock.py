"""A clock that stands still until the test moves it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class FrozenClock:
    """The time of one path; it starts at the present second unless told otherwise."""

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError(f"the clock can't start at {start!r}: give an aware datetime")
        self._now = datetime.now(UTC).replace(microsecond=0) if start is None else start.astimezone(UTC)
        self._moved: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Tell the time, aware, UTC."""
        return self._now

    def move(self, by: timedelta) -> None:
        """Set the clock forward, and nothing else; a handler whose time is up then gets its timeout."""
        if by < timedelta(0):
            raise ValueError(f"the clock can't be set back, as by {by}")
        with self._lock:
            self._now += by
        self._moved()

    def move_to(self, moment: datetime) -> None:
        """Set the clock forward to a moment, unless it is past that."""
        self.move(max(moment - self._now, timedelta(0)))

    def when_moved(self, call: Callable[[], None]) -> None:
        """Have this called whenever the clock was moved, in the thread that did it."""
        self._moved = call

    def sleep(self, seconds: float) -> None:
        """Stand in for time.sleep: pass the time at once."""
        self.move(timedelta(seconds=seconds))
