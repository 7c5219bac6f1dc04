"""The order holds also when receivers and workers are at it at one time, in transactions of their own."""

import random
import threading
import time

import pytest

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.lone_sweep import sweep_alone
from eventlog.states import State
from eventlog.sweep import sweep
from tests.eventlog.lane import Lane
from tests.eventlog.stored import an_event
from tests.servers.waiting import wait_until

EVENTS = 60
SUBJECTS = 4


class Site:
    """Receivers and workers, each a thread."""

    def __init__(self, log: EventLog, seed: int) -> None:
        self._log = log
        self._seed = seed
        self._lock = threading.Lock()
        self.running: set[str] = set()
        self.began: dict[str, list[int]] = {}
        self.trouble: list[str] = []
        self._over = threading.Event()

    def receive(self, number: int) -> None:
        chance = random.Random(f"{self._seed} receiver {number}")
        for count in range(EVENTS // 2):
            batch = [
                an_event(
                    f"e{number}-{count}-{each}", "agent.started", subject=f"a{chance.randrange(SUBJECTS)}"
                )
                for each in range(chance.randint(1, 3))
            ]
            record(self._log, batch)

    def work(self, number: int) -> None:
        chance = random.Random(f"{self._seed} worker {number}")
        lane = Lane(log=self._log)
        try:
            while not self._over.is_set():
                self._hop(lane, chance)
                self._run(lane, chance)
        except BaseException as error:
            self.trouble.append(f"{type(error).__name__}: {error}")
            raise

    def _hop(self, lane: Lane, chance: random.Random) -> None:
        queued = [each for each, state in lane.event_states().items() if state == "queued"]
        chance.shuffle(queued)
        if queued:
            lane.hop(*queued[:3])

    def _run(self, lane: Lane, chance: random.Random) -> None:
        queued = [each for each, state in lane.states().items() if state == "queued"]
        chance.shuffle(queued)
        if not queued:
            time.sleep(0.002)
            return
        _, runs = lane.claim(*queued)
        for run in runs:
            subject = str(run.claimed.event.subject)
            with self._lock:
                if subject in self.running:
                    self.trouble.append(f"two of {subject} at one time")
                self.running.add(subject)
                self.began.setdefault(subject, []).append(run.claimed.seq)
        for run in runs:
            with self._lock:
                self.running.discard(str(run.claimed.event.subject))
            lane.end(run, State.WAITING if chance.random() < 0.2 else State.DONE)

    def over(self) -> None:
        self._over.set()


@pytest.mark.long_on_both(otherwise="postgresql")
def test_each_subject_runs_in_order_while_all_are_at_it(log: EventLog) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    site = Site(log, seed)
    receivers = [threading.Thread(target=site.receive, args=(number,)) for number in range(2)]
    workers = [threading.Thread(target=site.work, args=(number,)) for number in range(3)]
    lane = Lane(log=log)

    def is_done() -> bool:
        waiting = [each for each, state in lane.states().items() if state == "waiting"]
        if waiting or "waiting" in lane.event_states().values():
            requeue(lane)
        return bool(site.trouble) or (
            not any(thread.is_alive() for thread in receivers)
            and set(lane.event_states().values()) == {"done"}
        )

    for thread in (*receivers, *workers):
        thread.start()
    try:
        wait_until(is_done, 50, every_seconds=0.05)
    finally:
        site.over()
        for thread in (*receivers, *workers):
            thread.join(20)
    assert site.trouble == []
    assert sum(map(len, site.began.values())) >= EVENTS
    for subject, seqs in site.began.items():
        assert seqs == sorted(seqs), subject


def requeue(lane: Lane) -> None:
    """Play the clock: what waits for a retry, or to be handed on, is due at once here."""
    sweep_alone(lane.log, lane.queue)
    sweep(lane.log)
