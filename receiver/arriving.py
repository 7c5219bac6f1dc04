"""The bodies that are still arriving, and a bound on the memory that they hold together."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_ROOM_AFTER_EVICTION = 0.75
"""Some room is made at once: to look for a body to give up at each chunk would cost time when it is short."""


@dataclass(slots=True, eq=False, kw_only=True)
class ArrivingBody:
    """What has come so far of one request's body."""

    received: bytearray = field(default_factory=bytearray)
    held: int = 0
    """Bytes that count against the budget: those that came, and those that were reserved."""
    since: float
    """Seconds, of the clock that the budget was given."""
    give_up: Callable[[], object]
    """Wakes whoever waits for the rest."""
    is_given_up: bool = False


class BodyBudget:
    """Gives up the bodies that cost most when all together hold more bytes than may; for one thread."""

    def __init__(self, capacity_bytes: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity_bytes
        self._clock = clock
        self._arriving: set[ArrivingBody] = set()
        self.held_bytes = 0

    @contextmanager
    def arrival(self, give_up: Callable[[], object]) -> Iterator[ArrivingBody]:
        """Count a body for as long as it arrives; any `add` or `reserve` may call `give_up`, at most once."""
        body = ArrivingBody(since=self._clock(), give_up=give_up)
        self._arriving.add(body)
        try:
            yield body
        finally:
            self._forget(body)

    def add(self, body: ArrivingBody, chunk: bytes) -> None:
        """Keep a chunk; may give up this body or others."""
        if body.is_given_up:
            return
        body.received += chunk
        self.reserve(body, len(chunk))

    def reserve(self, body: ArrivingBody, size: int) -> None:
        """Count bytes of a body that are kept elsewhere; may give up this body or others."""
        body.held += size
        self.held_bytes += size
        if self.held_bytes > self._capacity:
            self._make_room()

    def _make_room(self) -> None:
        # By bytes times seconds: a large body that comes fast and a small one that comes slowly are both
        # worth waiting for; what is large and slow is what an attack is made of.
        now = self._clock()
        by_cost = sorted(self._arriving, key=lambda body: body.held * (now - body.since))
        while by_cost and self.held_bytes > self._capacity * _ROOM_AFTER_EVICTION:
            victim = by_cost.pop()
            self._forget(victim)
            victim.received.clear()
            victim.is_given_up = True
            victim.give_up()

    def _forget(self, body: ArrivingBody) -> None:
        if body in self._arriving:
            self._arriving.remove(body)
            self.held_bytes -= body.held
