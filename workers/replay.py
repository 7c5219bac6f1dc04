"""Hand running replays to the queue, piece by piece, never faster than they may, however many clocks do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from eventlog.canary import Step
from eventlog.canary import advance as advance_canary
from eventlog.database import EventLog
from eventlog.lone_backlog import is_far_ahead
from eventlog.replay_feed import feed
from eventlog.replays import Replay, ReplayState, read_replays
from handlers.pattern import matches
from workers.queue.redis_queue import EventQueue, job_size

_TURN_EVENTS: Final = 1000
"""So many at once: the first job comes soon, and no writer waits for long."""
_ROOM_JOBS: Final = 5
"""A replay adds nothing while more jobs wait than this: fresh events go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Allowance:
    deliveries: float
    at: float
    fed: int
    """By all clocks, as the replay's row told at that time."""


class ReplayFeeder:
    """Feeds every replay that runs."""

    def __init__(self, log: EventLog, queue: EventQueue) -> None:
        self._log = log
        self._queue = queue
        self._allowances: dict[int, _Allowance] = {}
        self._logger = structlog.get_logger("clock")

    def has_room(self, backlog: int) -> bool:
        """Tell whether any more may be fed while so many jobs wait."""
        return backlog <= _ROOM_JOBS

    def feed(self, now: float, backlog: int) -> bool:
        """Feed each running replay its next events; tell whether one could take more once there is room.

        Raises `LogUnavailable`, `QueueUnavailable`.
        """
        goes_on = False
        for replay in read_replays(self._log, state=ReplayState.RUNNING):
            # Whatever the backlog: what failed again is to be stopped at once.
            if replay.canary is not None and not self._goes_on(replay):
                continue
            allowed = self._allow(replay, now)
            if allowed == 0:
                continue
            if not self.has_room(backlog):
                goes_on |= allowed is None
                continue
            # Enough waits then until the clock's next turn; to look more often would only cost.
            if is_far_ahead(self._log, replay):
                continue
            fed = feed(self._log, replay.id, turn=_TURN_EVENTS, at_most=allowed, choose=choose_handlers)
            if fed.finished:
                self._allowances.pop(replay.id, None)
                self._logger.info("replay_fed", replay=replay.id)
            # What its rate, or the stage of a canary, holds back has the time until the clock's next turn.
            goes_on |= fed.goes_on
            size = job_size(backlog)
            self._queue.send(fed.event_ids, replay=replay.id, ids_a_job=size)
            backlog += -(-len(fed.event_ids) // size)
        return goes_on

    def _goes_on(self, canary: Replay) -> bool:
        """Stop a canary, end it or begin its next stage; tell whether it may be fed now."""
        advance = advance_canary(self._log, canary)
        match advance.step:
            case Step.STOP:
                self._logger.warning("replay_stopped", replay=canary.id, reason=advance.because)
            case Step.NEXT_STAGE:
                self._logger.info("replay_next_stage", replay=canary.id, after=canary.fed)
            case Step.END:
                self._logger.info("replay_ended_well", replay=canary.id, deliveries=canary.fed)
        return advance.step in (Step.FEED, Step.NEXT_STAGE)

    def _allow(self, replay: Replay, now: float) -> int | None:
        """Say how many deliveries may be made now, by the rate and the time since the last turn; None: any.

        Whatever any clock made meanwhile stands in the replay's row, and is taken off.
        """
        if replay.rate is None:
            return None
        fresh = _Allowance(deliveries=1.0, at=now, fed=replay.fed)
        last = self._allowances.get(replay.id, fresh)
        earned = last.deliveries + (now - last.at) * replay.rate
        left = min(earned - (replay.fed - last.fed), max(1.0, replay.rate))
        self._allowances[replay.id] = _Allowance(deliveries=left, at=now, fed=replay.fed)
        return max(0, int(left))


def choose_handlers(handlers: Mapping[str, Sequence[str]], event_type: str) -> list[str]:
    """Give the names of the handlers that one of their patterns makes want this type of event."""
    return [name for name, patterns in handlers.items() if any(matches(one, event_type) for one in patterns)]
