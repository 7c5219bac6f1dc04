"""Deliveries that run alone in a log that lives: in line, within limits, with crashes and sweeps."""

import random
from typing import Final

from eventlog.database import EventLog
from eventlog.limits import Limit
from eventlog.lines import release_line
from eventlog.lone_sweep import sweep_alone
from eventlog.states import State
from tests.eventlog.lane import Lane, Run

_NAME: Final = "limited"


class LivingLanes:
    """Plays the workers of one handler that is ordered and limited."""

    def __init__(self, log: EventLog, chance: random.Random) -> None:
        self._chance = chance
        self._lane = Lane(
            log=log, handler=_NAME, limits={_NAME: Limit(concurrency=2)}, is_limited=True, holds=True
        )
        self._running: list[Run] = []
        self._accepted = 0

    def go_on(self) -> None:
        """Take a few steps of all that there are."""
        steps = (self._arrive, self._hop, self._claim, self._claim, self._end, self._end, self._crash)
        for _ in range(4):
            self._chance.choice(steps)()

    def work_off(self) -> bool:
        """Let everything be due, and end all of it well; tells whether there was anything."""
        swept = self._lane.sweep()
        _, runs = self._lane.claim(*swept)
        for run in runs:
            self._lane.end(run)
        return bool(swept)

    def _arrive(self) -> None:
        self._accepted += 1
        self._lane.arrive(f"lane_{self._accepted}", subject=self._chance.choice(("a1", "a2", None)))
        if self._chance.random() < 0.7:
            self._hop()

    def _hop(self) -> None:
        mine = [each for each, state in self._lane.event_states().items() if state == State.QUEUED]
        mine = [each for each in mine if each.startswith("lane_")]
        if mine:
            self._lane.hop(*self._chance.sample(mine, self._chance.randint(1, len(mine))))

    def _claim(self) -> None:
        queued = [each for each, state in self._lane.states().items() if state == State.QUEUED]
        self._running += self._lane.claim(*self._chance.sample(queued, min(3, len(queued))))[1]

    def _end(self) -> None:
        if not self._running:
            return
        run = self._running.pop(self._chance.randrange(len(self._running)))
        state = self._chance.choice((State.DONE, State.DONE, State.WAITING, State.DEAD))
        self._lane.end(run, state)
        if state is State.DEAD and self._chance.random() < 0.7:
            with self._lane.log.write() as connection:
                release_line(connection, run.claimed.seq, _NAME)

    def _crash(self) -> None:
        """A worker is gone; its lease ends, or is still to end."""
        if self._running:
            self._running.pop()
        sweep_alone(self._lane.log, self._lane.queue, end_leases=True)
