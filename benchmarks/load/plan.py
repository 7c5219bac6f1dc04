"""What is sent: how much, how large, over how many connections."""

import math
from dataclasses import dataclass
from typing import Final

_RATE_AT_MOST: Final = 30_000
_BYTES_A_SECOND_AT_MOST: Final = 300_000_000
"""They lie in memory, all at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent."""

    seconds: float = 10.0
    warm_up_seconds: float = 1.0
    connections: int = 32
    size: int = 300
    """Of a body, in bytes."""
    duplicates: float = 0.0
    """Share of the requests that repeat an event sent before."""
    own_subjects: bool = False
    """Whether each event is about a subject of its own, which falls anywhere in an index, as its id does."""
    keep_alive: bool = True
    rate: float | None = None
    """Requests a second; None: as fast as answers come."""

    @property
    def requests(self) -> int:
        """How many to prepare; a run whose events are sent once, and that uses them up, gives no figure."""
        fastest = min(_RATE_AT_MOST, _BYTES_A_SECOND_AT_MOST / self.size)
        rate = min(self.rate * 1.2, fastest) if self.rate else fastest
        return max(100, int(math.ceil(self.seconds) * rate))
