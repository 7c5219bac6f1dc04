"""A worker and a clock as processes, and all that handlers may do to them.

Most tests share one worker and one clock: each sends events of its own, and leaves both at work.
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from eventlog.replays import create
from eventlog.selection import Selection
from eventlog.states import State
from tests.eventlog.stored import make_overdue
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until
from tests.workers.worksite import Site, Started

CALM = {"do": "nothing"}


@dataclass(frozen=True, slots=True)
class Running:
    """The processes that the tests share."""

    site: Site
    worker: Started
    clock: Started
    valkey: Valkey

    def child(self) -> int:
        (pid,) = wait_until(self.worker.children)
        return pid


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("shared")
    with Valkey() as valkey:
        url = f"sqlite:///{folder / 'events.db'}"
        site = Site(folder, url, valkey.url, HOOKS_LEASE_SECONDS="3", HOOKS_GRACE_SECONDS="5")
        try:
            yield Running(site, site.worker(), site.clock(), valkey)
        finally:
            site.close()


@pytest.fixture
def site(running: Running) -> Site:
    return running.site


def test_the_garbage_collector_passes_over_what_was_loaded_before_the_first_handler_runs(site: Site) -> None:
    (event_id,) = site.send("case.calm", {"do": "expect that little is collected"})
    assert site.wait_until_settled([event_id]) == [State.DONE]


def test_every_handler_runs_once_for_every_event_in_the_order_of_registration(site: Site) -> None:
    ids = site.send("case.calm", *[CALM] * 50)
    assert set(site.wait_until_settled(ids)) == {State.DONE}
    for event_id in ids:
        marks = site.marks(event_id)
        assert [mark.handler for mark in marks] == ["before", "tried_again", "after"]
        assert {mark.attempt for mark in marks} == {1}
        assert {one.state for one in site.detail(event_id).deliveries} == {State.DONE}


def test_two_jobs_for_the_same_events_run_them_once(site: Site) -> None:
    ids = site.accept("case.calm", *[CALM] * 5)
    site.queue.send(ids)
    site.queue.send(list(reversed(ids)))
    site.wait_until_settled(ids)
    assert [len(site.marks(event_id, "after")) for event_id in ids] == [1] * 5


def test_an_event_that_no_handler_wants_is_unhandled(site: Site) -> None:
    ids = site.send("nobody.wants", CALM)
    assert site.wait_until_settled(ids) == [State.UNHANDLED]


def test_a_failing_handler_is_retried_and_then_dead_while_its_neighbours_run_once(site: Site) -> None:
    ids = site.send("case.failing", {"do": "fail"}, CALM)
    assert site.wait_until_settled(ids) == [State.DEAD, State.DONE]
    detail = site.detail(ids[0])
    states = {one.handler: (one.state, one.attempts) for one in detail.deliveries}
    assert states == {
        "before": (State.DONE, 1),
        "tried_again": (State.DEAD, 3),
        "after": (State.DONE, 1),
    }
    assert [failure.attempt for failure in detail.failures] == [1, 2, 3]
    assert {failure.error_type for failure in detail.failures} == {"ValueError"}
    assert all(
        "raise kind(message)\nValueError: no such agent" in failure.traceback for failure in detail.failures
    )
    assert len({failure.fingerprint for failure in detail.failures}) == 1
    assert [mark.attempt for mark in site.marks(ids[0], "tried_again")] == [1, 2, 3]
    assert len(site.marks(ids[0], "before")) == len(site.marks(ids[0], "after")) == 1


def test_a_permanent_error_is_dead_at_once(site: Site) -> None:
    ids = site.send("case.failing", {"do": "fail for good"})
    assert site.wait_until_settled(ids) == [State.DEAD]
    assert site.delivery(ids[0], "tried_again").attempts == 1


@pytest.mark.parametrize("raised", ["sys.exit", "SystemExit", "KeyboardInterrupt", "GeneratorExit"])
def test_an_exception_that_ends_programs_ends_only_its_delivery(running: Running, raised: str) -> None:
    site, child = running.site, running.child()
    ids = site.send("fragile.exit", {"do": raised}, CALM)
    assert site.wait_until_settled(ids) == [State.DEAD, State.DONE]
    (failure,) = site.detail(ids[0]).failures
    assert failure.error_type == ("SystemExit" if raised == "sys.exit" else raised)
    assert site.delivery(ids[0], "after").state is State.DONE
    assert running.child() == child


@pytest.mark.parametrize(
    ("crash", "cause"), [("os._exit", "ended with exit code 3"), ("segfault", "was ended by SIGSEGV")]
)
def test_a_handler_that_crashes_the_process_is_charged_alone(
    running: Running, crash: str, cause: str
) -> None:
    site = running.site
    ids = site.send("fragile.crash", CALM, {"do": crash}, CALM)
    assert site.wait_until_settled(ids) == [State.DONE, State.DEAD, State.DONE]
    (failure,) = site.detail(ids[1]).failures
    assert failure.handler == "tried_once"
    assert failure.error_type == "WorkerCrashed"
    assert cause in failure.message
    _assert_nobody_else_was_charged(site, ids)
    assert running.worker.is_running()


@pytest.mark.parametrize("hang", ["swallow everything", "hang in C"])
def test_a_handler_that_does_not_heed_its_timeout_is_killed_and_charged_alone(
    running: Running, hang: str
) -> None:
    site = running.site
    ids = site.send("fragile.hang", CALM, {"do": hang}, CALM)
    assert site.wait_until_settled(ids) == [State.DONE, State.DEAD, State.DONE]
    (failure,) = site.detail(ids[1]).failures
    assert "was killed, because it ran over its timeout of 1.5 s" in failure.message
    took = site.delivery(ids[1], "tried_once").duration
    # Killed 2 s after the timeout. That is after the lease's 3 s too, which the parent has renewed.
    assert took is not None
    assert timedelta(seconds=3.5) <= took < timedelta(seconds=5)
    assert len(site.marks(ids[1], "tried_once")) == 1
    _assert_nobody_else_was_charged(site, ids)


def test_a_handler_that_hangs_in_python_is_interrupted(running: Running) -> None:
    site, child = running.site, running.child()
    ids = site.send("fragile.hang", {"do": "loop in Python"}, CALM)
    assert site.wait_until_settled(ids) == [State.DEAD, State.DONE]
    (failure,) = site.detail(ids[0]).failures
    assert failure.error_type == "handlers.outcome.HandlerTimeout"
    assert "loop_in_python" in failure.traceback
    assert site.delivery(ids[0], "after").attempts == 1
    assert running.child() == child


def test_a_crash_is_retried_like_any_failure(site: Site) -> None:
    ids = site.send("case.crash", {"do": "os._exit", "attempts": [1]})
    assert site.wait_until_settled(ids) == [State.DONE]
    assert site.delivery(ids[0], "tried_again").attempts == 2


def test_a_child_killed_in_the_middle_is_charged_to_the_handler_that_ran(running: Running) -> None:
    site = running.site
    ids = site.send("slow.killed", {"seconds": 30})
    os.kill(site.wait_for_mark(ids[0]).pid, signal.SIGKILL)
    assert site.wait_until_settled(ids) == [State.DONE]
    (failure,) = site.detail(ids[0]).failures
    assert "was ended by SIGKILL" in failure.message
    assert [mark.attempt for mark in site.marks(ids[0])] == [1, 2]


@pytest.mark.parametrize(
    "effort", ["write much", "use a process pool", "terminate a fork", "interrupt a subprocess"]
)
def test_a_handler_may(site: Site, effort: str) -> None:
    ids = site.send("fragile.may", {"do": effort})
    site.wait_until_settled(ids)
    assert [failure.traceback for failure in site.detail(ids[0]).failures] == []


def test_a_slow_handler_holds_back_neither_outcomes_nor_other_events(running: Running) -> None:
    site = running.site
    fast, slow, behind = (
        site.accept("case.calm", CALM)
        + site.accept("slow.first", {"seconds": 30})
        + (site.accept("case.calm", CALM))
    )
    other = site.worker()
    site.queue.send([fast, slow, behind])
    site.wait_until_settled([fast, behind])
    assert site.states([slow]) == [State.RUNNING]
    assert len(site.marks(behind, "after")) == 1
    _let_slow_handlers_end(site, [slow])
    assert len(site.marks(slow)) == 1
    other.terminate()  # it is idle now
    assert other.wait(3) == 0
    assert "Traceback" not in other.last_words()


def test_a_replay_runs_handlers_again_and_says_so(site: Site) -> None:
    ids = site.send("case.replayed", CALM, {"do": "fail", "attempts": [1]})
    assert site.wait_until_settled(ids) == [State.DONE, State.DONE]
    replay = create(
        site.log, selection=Selection(ids=tuple(ids)), handlers={"tried_again": ["case.*"]}, who="a test"
    )

    def outcomes() -> list[tuple[State, int]]:
        found = [one for event_id in ids for one in site.detail(event_id).deliveries if one.replay == replay]
        return [(one.state, one.attempts) for one in found if one.state is State.DONE]

    assert wait_until(lambda: len(outcomes()) == 2)
    assert outcomes() == [(State.DONE, 1), (State.DONE, 2)]
    replayed = [mark for event_id in ids for mark in site.marks(event_id) if mark.replay]
    assert [(mark.handler, mark.attempt) for mark in replayed] == [
        ("tried_again", attempt) for attempt in (1, 1, 2)
    ]
    assert [site.delivery(event_id, "tried_again").state for event_id in ids] == [State.DONE] * 2


def test_a_wiped_redis_loses_no_event(running: Running) -> None:
    site = running.site
    busy = site.send("slow.busy", {"seconds": 30})
    site.wait_for_mark(busy[0])
    ids = site.send("case.wiped", CALM, CALM)
    running.valkey.flush()
    make_overdue(site.log, ids, timedelta(seconds=1))
    _let_slow_handlers_end(site, busy)
    assert site.wait_until_settled(ids) == [State.DONE, State.DONE]
    assert [len(site.marks(event_id, "after")) for event_id in ids] == [1, 1]


def test_work_goes_on_after_redis_was_killed_and_came_back_empty(running: Running) -> None:
    site = running.site
    running.valkey.kill()
    ids = site.accept("case.redis", CALM, CALM)
    running.clock.wait_for("queue_unavailable")
    make_overdue(site.log, ids, timedelta(seconds=1))
    running.valkey.start()
    assert site.wait_until_settled(ids) == [State.DONE, State.DONE]
    assert running.worker.is_running()


def _assert_nobody_else_was_charged(site: Site, ids: list[str]) -> None:
    for event_id in ids:
        detail = site.detail(event_id)
        assert {one.handler: one.attempts for one in detail.deliveries} == {
            "before": 1,
            "tried_once": 1,
            "after": 1,
        }
        # What ran once may have to run again, unless its outcome was recorded before the crash.
        assert {mark.attempt for mark in site.marks(event_id)} == {1}


def _let_slow_handlers_end(site: Site, ids: list[str]) -> None:
    site.let_slow_handlers_end()
    try:
        site.wait_until_settled(ids)
    finally:
        site.let_slow_handlers_begin()
