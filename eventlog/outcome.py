"""What came of a delivery, and of an event: the values that a worker hands to the log.

Those that are made for every event are Structs, which are made several times as fast as dataclasses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from eventlog.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt failed, as text that both databases can hold."""

    error_type: str
    message: str
    traceback: str
    fingerprint: str
    """Alike for failures of one cause."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt at one delivery."""

    seq: int
    handler: str
    attempt: int
    failures: int
    """Attempts so far that count against the retries, this one included."""
    state: State
    started_at: datetime
    duration: timedelta
    retry_in: timedelta | None = None
    """Until the next attempt; only where the state is waiting."""
    version: str | None = None
    release: str | None = None
    """`HOOKS_RELEASE`, where it is set."""
    note: str | None = None
    failure: Failure | None = None
    holds_line: bool = False
    """Whether those that stand in line behind it are held: it is dead, and its handler wants that."""
    is_limited: bool = False
    """Whether others may wait for its end, as their handler's concurrency is bounded."""


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """An event whose original run has nothing left to do now."""

    seq: int
    event_id: str
    state: State
    has_lone: bool = False
    """Whether other deliveries of it run alone: then the log tells what state it is in."""
    is_due_now: bool = False
    """Whether a delivery of it is still to be handed on: it waits for no retry of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """A delivery that may run now: a job is to be sent for it."""

    event_id: str
    replay: int
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What recorded outcomes mean for others."""

    woken: tuple[Woken, ...] = ()
    """Deliveries that may run now: jobs are to be sent for them."""
    settled: tuple[Closing, ...] = ()
    """Events whose last deliveries these were, of those that run alone."""


AfterCommit = Callable[[Aftermath], None]
"""Called when outcomes are committed, with what they mean for others: sends jobs, tells of what is over."""


def do_nothing(_aftermath: Aftermath) -> None:
    """Leave what outcomes mean for others to the sweep."""
