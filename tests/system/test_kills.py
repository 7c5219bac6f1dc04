"""kill -9 of everything in the middle of 500 events: what was acknowledged is settled, and runs once."""

import random
from collections import Counter
from pathlib import Path

import psutil
import pytest

from eventlog.database import EventLog
from eventlog.listing import read_page
from eventlog.selection import Selection
from eventlog.states import State
from tests.servers.waiting import wait_until
from tests.system.marks import MODULE
from tests.system.sender import Sender
from tests.system.up import Up, up

EVENTS = 500


@pytest.mark.timeout(300)
def test_every_acknowledged_event_is_settled_and_none_runs_twice_but_those_in_flight(
    tmp_path: Path, database_url: str
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    marks = tmp_path / "marks"
    marks.touch()
    (tmp_path / "marking.py").write_text(MODULE.format(path=str(marks)))
    with up(
        tmp_path,
        DATABASE_URL=database_url,
        HOOKS_HANDLERS="marking",
        HOOKS_BUILTIN_HANDLERS="false",
        HOOKS_LEASE_SECONDS="3",
    ) as running:
        running.start()
        secret = (tmp_path / ".hooks" / "webhook-secret").read_text().strip()
        sender = Sender(running.port, secret)
        kills = [("console worker", 2), ("console receiver", 2), ("valkey-server", 2), ("worker_child", 2)]
        plan = [words for words, times in kills for _ in range(times)]
        chance.shuffle(plan)
        moments = sorted(chance.sample(range(20, EVENTS - 20), len(plan)))
        sender.send_all(
            [f"evt_{number}" for number in range(EVENTS)],
            meanwhile=[
                (moment, lambda words=words: _kill_all(running, words))  # type: ignore[misc]
                for moment, words in zip(moments, plan, strict=True)
            ],
        )
        assert sorted(sender.acknowledged) == sorted(f"evt_{number}" for number in range(EVENTS))
        log = EventLog.open(database_url)
        wait_until(lambda: _states(log) == {State.DONE: EVENTS}, 90, every_seconds=0.2)
        log.close()
    runs = Counter(line.split()[0] for line in marks.read_text().splitlines())
    assert set(runs) == set(sender.acknowledged)
    again = {event_id: times for event_id, times in runs.items() if times > 1}
    # Only what a killed worker had begun and not yet recorded may run again: one batch a kill, at most.
    worker_kills = sum(times for words, times in kills if "worker" in words)
    assert len(again) <= 40 * worker_kills, again
    assert max(again.values(), default=1) <= 1 + worker_kills


def _kill_all(running: Up, words: str) -> None:
    for process in running.processes():
        try:
            command = " ".join(process.cmdline())
            if words in command and "guard.py" not in command:
                process.kill()
        except psutil.NoSuchProcess:
            continue


def _states(log: EventLog) -> dict[State, int]:
    counted: Counter[State] = Counter()
    before = None
    while True:
        page = read_page(log, Selection(), limit=500, before=before)
        counted.update(event.state for event in page.events)
        if page.next_before is None:
            return dict(counted)
        before = page.next_before
