"""The states of an event, and of a delivery (one event to one handler in one run)."""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where an event or a delivery stands; the first three are unfinished."""

    QUEUED = "queued"
    """May be claimed now."""
    RUNNING = "running"
    """Claimed by a worker that holds its lease."""
    WAITING = "waiting"
    """Failed, or asked for later: due again at a set time."""
    DONE = "done"
    """Every handler succeeded."""
    DEAD = "dead"
    """A handler gave up: a permanent error, or its retries used up."""
    UNHANDLED = "unhandled"
    """No handler is registered for this type."""
    SKIPPED = "skipped"
    """Every handler said that there was nothing to do."""


UNFINISHED: Final = (State.QUEUED, State.RUNNING, State.WAITING)


def summarise(deliveries: list[State]) -> State:
    """Sum up an event's state from the states of its original run's deliveries."""
    for state in (State.RUNNING, State.QUEUED, State.WAITING, State.DEAD, State.DONE):
        if state in deliveries:
            return state
    return State.SKIPPED if deliveries else State.UNHANDLED
