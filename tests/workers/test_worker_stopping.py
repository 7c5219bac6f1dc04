"""How a worker process ends: told to, killed, or unable to start. Each test has processes of its own."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventlog.states import State
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until
from tests.workers.worksite import Site, is_ours

CALM = {"do": "nothing"}


@pytest.fixture
def site(tmp_path: Path, sqlite_url: str, redis_url: str) -> Iterator[Site]:
    made = Site(tmp_path, sqlite_url, redis_url, HOOKS_LEASE_SECONDS="3", HOOKS_GRACE_SECONDS="5")
    yield made
    made.close()


def test_told_to_stop_it_finishes_the_handler_and_hands_back_the_rest(site: Site) -> None:
    worker = site.worker()
    busy, *rest = site.accept("slow.stopping", {"seconds": 0.7}, {"seconds": 0}, {"seconds": 0})
    site.queue.send([busy, *rest])
    site.wait_for_mark(busy)
    worker.terminate()
    assert worker.wait(5) == 0
    assert site.states([busy, *rest]) == [State.DONE, State.QUEUED, State.QUEUED]
    assert [len(site.detail(event_id).deliveries) for event_id in rest] == [0, 0]
    assert site.queue.waiting_jobs() == 1  # for the rest
    assert "Traceback" not in worker.last_words()


def test_a_handler_that_outlasts_the_grace_time_is_killed_and_not_charged(site: Site) -> None:
    worker = site.worker(HOOKS_GRACE_SECONDS="0.5")
    (event_id,) = site.send("slow.stopping", {"seconds": 30})
    site.wait_for_mark(event_id)
    worker.terminate()
    assert worker.wait(5) == 0
    assert site.states([event_id]) == [State.QUEUED]
    assert site.detail(event_id).deliveries == ()
    assert site.detail(event_id).failures == ()


def test_told_to_stop_while_redis_is_down_it_finishes_the_handler_and_ends(
    site: Site, valkey: Valkey
) -> None:
    worker = site.worker()
    (event_id,) = site.send("slow.stopping", {"seconds": 1})
    site.wait_for_mark(event_id)
    valkey.kill()
    worker.terminate()
    assert worker.wait(6) == 0
    assert site.states([event_id]) == [State.DONE]
    assert len(site.marks(event_id, what="ended")) == 1
    assert site.detail(event_id).failures == ()


@pytest.mark.parametrize("trouble", ["down", "hung"])
def test_told_to_stop_while_it_waits_for_a_redis_that_is(trouble: str, site: Site, valkey: Valkey) -> None:
    worker = site.worker()
    if trouble == "down":
        valkey.kill()
        wait_until(lambda: "retrying" in worker.last_words() or worker.logged("queue_unavailable"))
    else:
        valkey.pause()
    worker.terminate()
    assert worker.wait(4) == 0
    assert "StopRequested" not in worker.last_words()


def test_a_child_whose_parent_was_killed_ends_by_itself_and_another_worker_takes_over(site: Site) -> None:
    site.start("clock")
    worker = site.worker(HOOKS_GRACE_SECONDS="2")
    busy, waiting = site.send("slow.orphaned", {"seconds": 30}, {"seconds": 0})
    child = site.wait_for_mark(busy).pid
    worker.kill()
    second = site.worker()
    assert site.wait_until_settled([waiting]) == [State.DONE]
    # The handler that ran was cut short when its grace time was over, and is run again, uncharged.
    wait_until(lambda: not is_ours(child), 8)
    site.let_slow_handlers_end()
    assert site.wait_until_settled([busy]) == [State.DONE]
    assert [mark.pid == child for mark in site.marks(busy)] == [True, False]
    assert site.detail(busy).failures == ()
    assert second.is_running()


def test_a_child_whose_parent_was_killed_ends_before_its_lease_whatever_the_grace_time(site: Site) -> None:
    site.start("clock")
    worker = site.worker(HOOKS_GRACE_SECONDS="600")
    (busy,) = site.send("slow.orphaned", {"seconds": 60})
    child = site.wait_for_mark(busy).pid
    worker.kill()
    site.worker()
    wait_until(lambda: len(site.marks(busy)) == 2, 20)
    assert not is_ours(child)


def test_an_idle_child_whose_parent_was_killed_ends_at_once(site: Site) -> None:
    worker = site.worker()
    (child,) = worker.children()
    worker.kill()
    wait_until(lambda: not is_ours(child), 3)


def test_a_child_that_never_saw_its_parent_ends_too(site: Site) -> None:
    worker = site.start("worker")
    (child,) = wait_until(worker.children)
    worker.kill()
    wait_until(lambda: not is_ours(child), 8)


def test_a_broken_handler_module_is_told_in_one_line_and_ends_the_worker(site: Site) -> None:
    (site.folder / "broken.py").write_text("from handlers import Router\nrouter = Router()\n1 / 0\n")
    worker = site.start("worker", HOOKS_HANDLERS="broken")
    assert worker.wait() == 1
    (line,) = worker.errors.read_text().splitlines()
    assert line.startswith("hooks worker: the handler module 'broken' can't be loaded")
    assert "broken.py:3: ZeroDivisionError" in line


def test_a_worker_whose_output_nobody_reads_any_more_still_works(site: Site) -> None:
    reading, writing = os.pipe()
    worker = site.start("worker", stdout=writing)
    os.close(writing)
    wait_until(worker.children)
    (first,) = site.send("case.deaf", CALM)
    site.wait_until_settled([first])
    os.close(reading)
    ids = site.send("case.deaf", CALM, CALM)
    assert site.wait_until_settled(ids, 5) == [State.DONE, State.DONE]
    assert [len(site.marks(event_id, "after")) for event_id in ids] == [1, 1]


def test_on_postgresql_another_worker_takes_over_when_a_machine_vanishes(postgres_site: Site) -> None:
    site = postgres_site
    site.start("clock")
    first = site.worker()
    ids = site.send("slow.vanished", {"seconds": 30}, {"seconds": 0}) + site.send(
        "fragile.crash", {"do": "os._exit"}, CALM
    )
    child = site.wait_for_mark(ids[0]).pid
    first.kill()
    os.kill(child, signal.SIGKILL)
    site.let_slow_handlers_end()
    site.worker()
    assert site.wait_until_settled(ids) == [State.DONE, State.DONE, State.DEAD, State.DONE]
    assert [failure.error_type for failure in site.detail(ids[2]).failures] == ["WorkerCrashed"]
    assert site.detail(ids[0]).failures == ()
    assert site.delivery(ids[0], "slow").attempts == 1
