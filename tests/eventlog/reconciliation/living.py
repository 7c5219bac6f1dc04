"""A log that lives: random events, claims, outcomes, crashes, sweeps and replays, by the real functions."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.early_retry import bring_forward
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.leases import Claimed, claim, hand_back, new_lease
from eventlog.outcome import Closing, Failure, Result
from eventlog.replays import cancel, read_replays
from eventlog.resolution import resolve
from eventlog.settlement import settle
from eventlog.states import State, summarise
from eventlog.sweep import sweep
from tests.eventlog.feeding import make_replay, turn
from tests.eventlog.reconciliation.living_lanes import LivingLanes
from tests.eventlog.stored import an_event

HANDLERS = ("h1", "h2", "h3")
LEASE = timedelta(seconds=30)


class Living:
    """Plays the receiver, the workers and the clock on one log."""

    def __init__(self, log: EventLog, seed: int) -> None:
        self.log = log
        self.random = random.Random(seed)
        self.lanes = LivingLanes(log, self.random)
        self._accepted = 0

    def live(self, steps: int) -> None:
        """Do something of all that can happen, so many times."""
        for _ in range(steps):
            self.random.choice(
                (
                    *(self.accept, self.accept, self.work, self.work),
                    *(self.sweep, self.replay, self.see_to_one, self.lanes.go_on, self.lanes.go_on),
                )
            )()

    def accept(self) -> list[str]:
        numbers = range(self._accepted, self._accepted + self.random.randint(1, 4))
        self._accepted = numbers.stop
        ids = [f"evt_{number}" for number in numbers]
        record(self.log, [an_event(event_id) for event_id in [*ids, self.random.choice(ids)]])
        if self.random.random() < 0.7:
            self.work(ids)
        return ids

    def work(self, ids: Sequence[str] = (), replay: int = ORIGINAL_RUN) -> None:
        """Claim and run; the worker may be killed at any moment, or hand things back."""
        lease = new_lease()
        wanted = ids or [f"evt_{self.random.randrange(self._accepted + 1)}" for _ in range(3)]
        # A killed worker's lease is over at once: the sweep comes next.
        duration = self.random.choice((LEASE, timedelta(0)))
        for claimed in claim(self.log, Hold(lease=lease, replay=replay), wanted, duration=duration):
            end = self.random.choice(("ended", "ended", "ended", "killed", "killed midway", "handed back"))
            if end in ("ended", "killed midway"):
                self.run(claimed, replay, lease, closes=end == "ended")
            if end == "handed back":
                hand_back(self.log, Hold(lease=lease, replay=replay), seqs=[claimed.seq])

    def run(
        self,
        claimed: Claimed,
        replay: int,
        lease: str,
        *,
        closes: bool = True,
        outcomes: Sequence[State] = (State.DONE, State.DONE, State.WAITING, State.DEAD, State.SKIPPED),
    ) -> None:
        """Run what is due of an event as the dispatcher does, with outcomes of these."""
        states = {prior.handler: prior.state for prior in claimed.prior if prior.queue is None}
        if replay == ORIGINAL_RUN:
            due = [h for h in HANDLERS if h not in states]
            due += [prior.handler for prior in claimed.prior if prior.is_due]
        else:
            due = [prior.handler for prior in claimed.prior if prior.is_due]
        attempts = {prior.handler: prior.attempts for prior in claimed.prior}
        for handler in due:
            state = self.random.choice(outcomes)
            states[handler] = state
            result = a_result(claimed.seq, handler, state, attempt=attempts.get(handler, 0) + 1)
            settle(self.log, Hold(lease=lease, replay=replay), results=[result])
            if not closes and self.random.random() < 0.5:
                return
        if closes and replay == ORIGINAL_RUN:
            closing = Closing(
                seq=claimed.seq,
                event_id=claimed.event.id,
                state=summarise(list(states.values())),
                has_lone=any(prior.queue is not None for prior in claimed.prior),
            )
            settle(self.log, Hold(lease=lease, replay=replay), results=[], closings=[closing])

    def sweep(self) -> None:
        for swept in sweep(self.log):
            if self.random.random() < 0.8:
                self.work([swept.event_id], swept.replay)

    def replay(self) -> None:
        number = make_replay(self.log, handlers=self.random.sample(HANDLERS, 2))
        for event_id in turn(self.log, number, self.random.randint(1, 30)).event_ids:
            if self.random.random() < 0.5:
                self.work([event_id], number)
        if self.random.random() < 0.3:
            # What runs at the time may be put off afterwards, which the doctor calls harmless.
            running = [one.id for one in read_replays(self.log)]
            cancel(self.log, self.random.choice(running))

    def see_to_one(self) -> None:
        """Resolve what is dead of an event, or bring its retries forward, as a person may at any time."""
        event_id = f"evt_{self.random.randrange(self._accepted + 1)}"
        if self.random.random() < 0.5:
            resolve(self.log, event_id, by="me@here", why="by hand")
        else:
            bring_forward(self.log, event_id)

    def settle_all(self, sent: Sequence[tuple[str, int]]) -> None:
        """Work off jobs, and all that a sweep then finds, without trouble."""
        jobs = list(sent)
        for _ in range(20):
            for event_id, replay in jobs:
                lease = new_lease()
                for claimed in claim(self.log, Hold(lease=lease, replay=replay), [event_id], duration=LEASE):
                    self.run(claimed, replay, lease, outcomes=(State.DONE,))
            jobs = [(swept.event_id, swept.replay) for swept in sweep(self.log)]
            if not self.lanes.work_off() and not jobs:
                return


def a_result(
    seq: int, handler: str, state: State, *, attempt: int = 1, in_: timedelta = timedelta(0)
) -> Result:
    failed = state in (State.DEAD, State.WAITING)
    return Result(
        seq=seq,
        handler=handler,
        attempt=attempt,
        failures=attempt,
        state=state,
        started_at=datetime.now(UTC),
        duration=timedelta(milliseconds=1),
        retry_in=in_ if state is State.WAITING else None,
        failure=Failure(error_type="E", message="", traceback="", fingerprint="f") if failed else None,
    )
