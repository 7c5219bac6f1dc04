"""Clocks that jump by hours under running handlers: no lease ends early, and nothing runs twice."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from eventlog.states import State
from tests.eventlog.rows import event_row
from tests.servers.postgres import PostgreSQL
from tests.servers.waiting import wait_until
from tests.servers.wall_clock import WallClock
from tests.workers.worksite import CHECKOUT, Site, Started

HOUR = 3600
JUMPS = (HOUR, -24 * HOUR)
"""Seconds from the true time; the second is the larger jump back."""


@pytest.fixture
def wall_clock() -> Iterator[WallClock]:
    with WallClock() as clock:
        yield clock


@pytest.fixture(params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, redis_url: str, wall_clock: WallClock
) -> Iterator[Site]:
    """Return a place for processes which, with their database, live by a clock that can be set."""
    settings = {
        **wall_clock.environment(python_path=str(CHECKOUT)),
        "HOOKS_LEASE_SECONDS": "3",
        "HOOKS_GRACE_SECONDS": "5",
    }
    if request.param == "sqlite":
        with closing(Site(tmp_path, f"sqlite:///{tmp_path / 'events.db'}", redis_url, **settings)) as made:
            yield made
        return
    with (
        PostgreSQL(environment=wall_clock.environment()) as server,
        closing(Site(tmp_path, server.fresh_database(), redis_url, **settings)) as made,
    ):
        yield made


@pytest.mark.long
def test_wherever_the_clock_jumps_a_slow_handler_runs_once_and_a_dead_workers_events_come_back(
    site: Site, wall_clock: WallClock
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    clock, worker = _ready(site, "clock"), _ready(site, "worker")
    (slow,) = site.send("slow.living", {"seconds": 60})
    wait_until(lambda: site.marks(slow), 30)
    for number, jump in enumerate(JUMPS, 1):
        time.sleep(chance.uniform(0, 1))  # at any point between two renewals and two sweeps
        wall_clock.set_by(jump)
        wait_until(partial(_has_seen_jumps, clock, number), 20)
        _wait_for_renewals(site, slow)
    site.let_slow_handlers_end()
    (retried,) = site.send("case.after_the_jumps", {"do": "fail", "attempts": [1]})
    assert site.wait_until_settled([slow, retried], 30) == [State.DONE, State.DONE]
    assert [mark.attempt for mark in site.marks(slow)] == [1]
    assert [mark.attempt for mark in site.marks(retried, "tried_again")] == [1, 2]
    assert (worker.logged("lease_lost"), clock.logged("lease_expired")) == ([], [])

    site.let_slow_handlers_begin()
    (orphan,) = site.send("slow.orphan", {"seconds": 60})
    child = wait_until(lambda: site.marks(orphan), 30)[0].pid
    worker.kill()
    os.kill(child, signal.SIGKILL)
    wall_clock.set_by(JUMPS[-1] - HOUR)
    _ready(site, "worker")
    site.let_slow_handlers_end()
    assert site.wait_until_settled([orphan], 30) == [State.DONE]
    assert len(clock.logged("lease_expired")) == 1


def _ready(site: Site, command: str) -> Started:
    """Start a process; again where libfaketime crashed it, as happens now and then while Python starts."""
    while True:
        started = site.start(command)
        wait_until(partial(_is_ready_or_gone, started, f"{command}_ready"), 60)
        if started.is_running():
            return started
        assert started.wait() == -signal.SIGSEGV, started.last_words()
        assert started.last_words() == ""


def _is_ready_or_gone(started: Started, verb: str) -> bool:
    return bool(started.logged(verb)) or not started.is_running()


def _has_seen_jumps(clock: Started, number: int) -> bool:
    assert clock.is_running(), clock.last_words()
    return len(clock.logged("database_clock_jumped")) >= number


def _wait_for_renewals(site: Site, event_id: str) -> None:
    """Wait until the event's lease was renewed twice: by the second, any double run has begun."""
    seen = {event_row(site.log, event_id).due_at}

    def times() -> bool:
        seen.add(event_row(site.log, event_id).due_at)
        return len(seen) > 2

    wait_until(times, 20)
