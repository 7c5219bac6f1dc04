"""From a failing handler to its mend, with a real worker, clock and command line: versions, and a canary."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventlog.replays import Replay, ReplayState, read_outcomes, read_replay
from eventlog.states import State
from tests.servers.waiting import wait_until
from tests.workers.worksite import Site, Started

MODULE = """
from handlers import Event, Context, Router

router = Router()

@router.on("order.*", retries=0)
def pay(event: Event, ctx: Context) -> None:
    if {condition}:
        raise ValueError("no such account")
"""


@pytest.fixture
def site(tmp_path: Path, redis_url: str) -> Iterator[Site]:
    made = Site(tmp_path, f"sqlite:///{tmp_path / 'events.db'}", redis_url, HOOKS_HANDLERS="paying")
    yield made
    made.close()


def write(site: Site, condition: str) -> None:
    """Write the handler, which fails on this condition."""
    (site.folder / "paying.py").write_text(MODULE.format(condition=condition))


def mend(site: Site, worker: Started, condition: str, release: str) -> Started:
    """Deploy another version of the handler."""
    write(site, condition)
    worker.terminate()
    worker.wait(30)
    return site.worker(HOOKS_RELEASE=release)


def hooks(site: Site, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "console", *arguments, "--json"],
        cwd=site.folder,
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def replay_of(site: Site, number: int) -> Replay:
    found = read_replay(site.log, number)
    assert found is not None
    return found


@pytest.mark.timeout(240)
def test_a_mend_is_tried_on_one_then_on_ten_then_on_all(site: Site) -> None:
    write(site, "True")
    worker = site.worker(HOOKS_RELEASE="r1")
    site.clock()
    ids = site.send("order.paid", *[{"number": number} for number in range(14)])
    assert set(site.wait_until_settled(ids, 60)) == {State.DEAD}
    broken = site.delivery(ids[0], "pay")
    (failure,) = site.detail(ids[0]).failures
    assert broken.version
    assert (broken.release, failure.version, failure.release) == ("r1", broken.version, "r1")

    _, listed = hooks(site, "failures", "list")
    (group,) = listed["failures"]
    assert (group["count"], group["still_dead"]) == (14, 14)
    assert group["versions"] == [{"handler": "pay", "version": broken.version, "release": "r1"}]
    by_fingerprint = ("replay", "--fingerprint", group["fingerprint"], "--canary", "--yes")

    # A mend that forgot one of them: the second stage meets it, and the last one never begins.
    worker = mend(site, worker, 'event.data["number"] == 5', "r2")
    code, stopped = hooks(site, *by_fingerprint)
    assert code == 1
    assert (stopped["state"], stopped["canary"]["stage"]) == ("stopped", 2)
    assert stopped["ended_because"].startswith(f"{ids[5]} failed again in pay")
    assert "ValueError: no such account" in stopped["ended_because"]
    assert all(len(site.detail(event_id).deliveries) == 1 for event_id in ids[11:])

    # One that is whole, and nobody watches: the clock goes through the stages alone.
    mend(site, worker, "False", "r3")
    code, recorded = hooks(site, *by_fingerprint, "--no-wait")
    number = recorded["replay"]
    assert code == 0
    wait_until(lambda: replay_of(site, number).state is not ReplayState.RUNNING, 60)
    replay = replay_of(site, number)
    assert (replay.state, replay.ended_because) == (ReplayState.DONE, None)
    left = 14 - stopped["deliveries"].get("done", 0)
    assert read_outcomes(site.log, number) == {State.DONE: left}
    assert site.delivery(ids[13], "pay", number).release == "r3"
    _, plan = hooks(site, "replay", "--fixed", "--dry-run")
    assert plan["events"] == 0
