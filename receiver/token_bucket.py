"""A token bucket: how much may be taken at once, and how much a second after that."""

from collections.abc import Callable


class TokenBucket:
    """Fills up steadily to its brim; who takes from it must hold a lock."""

    def __init__(self, *, brim: float, per_second: float, clock: Callable[[], float]) -> None:
        self._brim = brim
        self._per_second = per_second
        self._clock = clock
        self._level = brim
        self._filled_at = clock()

    def holds(self, amount: float) -> bool:
        """Tell whether so much can be taken now."""
        now = self._clock()
        self._level = min(self._brim, self._level + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        return self._level >= amount

    def take(self, amount: float) -> None:
        self._level -= amount
