"""The states of an event, and of a delivery (one event to one handler in one run)."""

from datetime import timedelta
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where an event or a delivery stands."""

    QUEUED = "queued"
    """May be claimed now."""
    RUNNING = "running"
    """Claimed by a worker that holds its lease."""
    WAITING = "waiting"
    """Failed, or asked for later: due again at a set time. Of an event: some delivery is still to end."""
    PARKED = "parked"
    """Deliveries of ordered handlers only: an earlier event of its subject comes first."""
    THROTTLED = "throttled"
    """Deliveries only: its handler runs as much or as often as it may already."""
    DONE = "done"
    """Every handler succeeded."""
    DEAD = "dead"
    """A handler gave up: a permanent error, or its retries used up."""
    RESOLVED = "resolved"
    """A handler gave up, and a person has dealt with that."""
    UNHANDLED = "unhandled"
    """No handler is registered for this type."""
    SKIPPED = "skipped"
    """Every handler said that there was nothing to do."""


UNFINISHED: Final = (State.QUEUED, State.RUNNING, State.WAITING)
"""Those of an event that is not finished; the sweeper's indexes hold them."""

REQUEUE_GRACE: Final = timedelta(seconds=5)
"""How long an event or a delivery may be queued and unclaimed before the sweep sends a job for it again."""

NOTABLE: Final = (State.WAITING, State.DEAD, State.RESOLVED, State.UNHANDLED, State.SKIPPED)
"""Those of an event that is at rest, and not done: indexes by type, and by subject, hold these states too."""

HELD_BACK: Final = (State.PARKED, State.THROTTLED)
"""Unfinished deliveries that nothing is due of: they go on when another one has ended."""


_DONE: Final = State.DONE


def summarise(deliveries: list[State]) -> State:
    """Sum up an event's state from the states of its original run's deliveries."""
    if deliveries and all(state is _DONE for state in deliveries):
        return _DONE  # nearly always
    for state in (State.RUNNING, State.QUEUED, State.WAITING):
        if state in deliveries:
            return state
    if any(state in HELD_BACK for state in deliveries):
        return State.WAITING
    for state in (State.DEAD, State.RESOLVED, State.DONE):
        if state in deliveries:
            return state
    return State.SKIPPED if deliveries else State.UNHANDLED
