"""How long commits take lately, to foresee how long an arrival would wait for its own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_WEIGHT_OF_THE_LAST: Final = 0.3
_LONG_SECONDS: Final = 0.5
_HOPELESS_SECONDS: Final = 1.0
"""So long after a failure that took long, whoever arrives is refused at once; then all may try again.

Who was in the line already waits for the next attempt, which begins without a pause.
"""


class CommitPace:
    """Measured by one committer, asked by any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._usual_seconds = 0.0
        self._began_at: float | None = None
        self._hopeless_until = float("-inf")

    @contextmanager
    def commit(self) -> Iterator[None]:
        """Measure one commit; of one that fails, how long it took to do so."""
        began_at = self._began_at = self._clock()
        try:
            yield
        except BaseException:
            ended_at = self._clock()
            if ended_at - began_at > _LONG_SECONDS:
                self._hopeless_until = ended_at + _HOPELESS_SECONDS
            raise
        else:
            took = self._clock() - began_at
            self._usual_seconds += _WEIGHT_OF_THE_LAST * (took - self._usual_seconds)
        finally:
            self._began_at = None

    def is_hopeless(self) -> bool:
        """Tell whether a commit was waited for in vain a moment ago."""
        return self._clock() < self._hopeless_until

    def expected_seconds(self, batches_ahead: int) -> float:
        """Foresee the wait behind the commit under way and so many full batches after it."""
        began_at = self._began_at
        under_way = 0.0 if began_at is None else self._clock() - began_at
        return under_way + batches_ahead * self._usual_seconds
