"""What a claim took, and by what right the worker that took it writes about it."""

from dataclasses import dataclass
from typing import Final

ORIGINAL_RUN: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A lease, and what it is on: events, or deliveries that were claimed without them."""

    lease: str
    replay: int
    queue: str | None = None
    """Where what runs alone was claimed; None where an event was, or what does not run alone of a replay.

    None is thus not "hooks", although RQ has one queue for both: there, those deliveries were claimed whose
    handlers have an order or a limit, and no queue of their own.
    """

    @property
    def by_event(self) -> bool:
        """Whether events are held, with all of their deliveries that do not run alone."""
        return is_by_event(self.replay, self.queue)

    @property
    def sums_up(self) -> bool:
        """Whether outcomes change the state of events that are not held themselves."""
        return self.replay == ORIGINAL_RUN and self.queue is not None


def is_by_event(replay: int, queue: str | None) -> bool:
    """Tell whether a run is claimed by its events: the original one is, but for what runs alone."""
    return replay == ORIGINAL_RUN and queue is None
