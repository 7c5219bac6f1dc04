"""Sends a test event and waits until the receiver has logged it.

The API reference tells neither what a test event looks like nor what the call replies: an id there is a
welcome hint, and anything else that arrives meanwhile is taken for it.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eventlog.arrival_watch import Arrival, ArrivalWatch
from eventlog.event import KNOWN_TYPES
from eventlog.rejects import Reject

_SHORTEST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5
_SURE_SECONDS: Final = 2.0
"""How long an arrival with another id than the reply's waits for the one that has it."""
_REFUSED_SECONDS: Final = 3.0
"""How long a refusal waits for an arrival: strangers are refused too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """What came of a test event."""

    seconds: float
    arrival: Arrival | None = None
    is_certain: bool = False
    """Whether the arrival is the test event for sure."""
    refused: Sequence[Reject] = ()

    @property
    def unusable(self) -> Reject | None:
        """A refused request whose signature fitted: it came through, and is no event as documented."""
        return next((reject for reject in self.refused if reject.is_signed), None)

    @property
    def is_proved(self) -> bool:
        """Whether something came with a signature by an accepted secret."""
        return self.arrival is not None or self.unusable is not None


def make_round_trip(
    watch: ArrivalWatch,
    send: Callable[[], Mapping[str, Any]],
    *,
    not_the_event: str,
    within_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> RoundTrip:
    """Have a test event sent, and look for it in the log; `send` gives the reply.

    `not_the_event` is the webhook's id, which the reply may hold too.
    """
    begun = clock()
    ids = set(_ids_in(send())) - {not_the_event}
    pause = _SHORTEST_PAUSE
    while True:
        looked_at = clock()
        since = looked_at - begun
        arrived = watch.arrivals()
        best = _likeliest(arrived, ids)
        is_certain = best is not None and _is_certain(best, ids)
        if best is not None and (is_certain or not ids or since > _SURE_SECONDS):
            return RoundTrip(seconds=since, arrival=best, is_certain=is_certain)
        refused = watch.refused()
        if (refused and since > _REFUSED_SECONDS) or since > within_seconds:
            return RoundTrip(seconds=since, arrival=best, refused=refused)
        # A look costs more the longer the log is; it never takes more than a part of the database's time.
        pause = min(max(pause * 1.3, 5 * (clock() - looked_at)), _LONGEST_PAUSE)
        sleep(pause)


def _ids_in(reply: Mapping[str, Any]) -> Iterator[str]:
    for name, value in reply.items():
        if isinstance(value, str) and name.lower().endswith("id"):
            yield value
        elif isinstance(value, Mapping):
            yield from _ids_in(value)


def _likeliest(arrived: Sequence[Arrival], ids: set[str]) -> Arrival | None:
    def unlikeliness(arrival: Arrival) -> int:
        return 0 if arrival.id in ids else 1 if _looks_like_a_test(arrival) else 2

    return min(arrived, key=unlikeliness, default=None)


def _is_certain(arrival: Arrival, ids: set[str]) -> bool:
    return arrival.id in ids or (not ids and _looks_like_a_test(arrival))


def _looks_like_a_test(arrival: Arrival) -> bool:
    return arrival.type not in KNOWN_TYPES or "test" in arrival.id.lower()
