"""Handlers that misbehave: the worker goes on or is replaced, the guilty is named, its neighbours are not.

What ends a process or hangs in plainer ways is in tests/workers/test_worker_process.py.
"""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from eventlog.replays import create
from eventlog.selection import Selection
from eventlog.states import State
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until
from tests.workers.worksite import Site, Started, is_ours

CALM = {"do": "nothing"}
MODULE = Path(__file__).with_name("misbehaving_handlers.py")
SETTINGS = {
    "HOOKS_HANDLERS": "misbehaving_handlers",
    "HOOKS_LEASE_SECONDS": "3",
    "HOOKS_GRACE_SECONDS": "3",
    "HOOKS_TRANSACTION_SECONDS": "2",
    "HOOKS_WORKER_MEMORY_MIB": "500",
}
PATIENCE_SECONDS = 40


def open_site(folder: Path, database_url: str, redis_url: str) -> Site:
    site = Site(folder, database_url, redis_url, **SETTINGS)
    shutil.copy(MODULE, folder)
    with site.log.write() as connection:
        connection.execute(text("CREATE TABLE misdeeds (event VARCHAR(255) NOT NULL)"))
    return site


@dataclass(frozen=True, slots=True)
class Running:
    site: Site
    worker: Started
    clock: Started

    def child(self) -> int:
        (pid,) = wait_until(lambda: [pid for pid in self.worker.children() if is_ours(pid)])
        return pid


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("misbehaving")
    with Valkey() as valkey:
        site = open_site(folder, f"sqlite:///{folder / 'events.db'}", valkey.url)
        try:
            yield Running(site, site.worker(), site.clock())
        finally:
            site.close()


@pytest.fixture
def own_site(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[Site]:
    site = open_site(tmp_path, database_url, redis_url)
    yield site
    site.close()


@pytest.fixture
def sqlite_site(tmp_path: Path, sqlite_url: str, redis_url: str) -> Iterator[Site]:
    site = open_site(tmp_path, sqlite_url, redis_url)
    yield site
    site.close()


@pytest.fixture
def postgres_site(tmp_path: Path, postgres_url: str, redis_url: str) -> Iterator[Site]:
    site = open_site(tmp_path, postgres_url, redis_url)
    yield site
    site.close()


def effects(site: Site, event_id: str) -> int:
    with site.log.read() as connection:
        query = text("SELECT count(*) FROM misdeeds WHERE event = :event")
        return int(connection.execute(query, {"event": event_id}).scalar_one())


def assert_only_the_guilty_is_charged(site: Site, ids: list[str], guilty_id: str, handler: str) -> None:
    for event_id in ids:
        detail = site.detail(event_id)
        guilty = handler if event_id == guilty_id else None
        assert {failure.handler for failure in detail.failures} <= {guilty}
        others = [one for one in detail.deliveries if one.handler != guilty]
        assert {one.handler for one in others} == {"before", handler, "after"} - {guilty}
        assert {(one.state, one.attempts) for one in others} == {(State.DONE, 1)}


HARMLESS = [
    "return rubbish", "mutate the event", "take the alarm", "leave threads", "leave a loop", "forge time",
    "move away", "silence", "trace", "ignore signals", "leave the session", "fork", "log at length",
]  # fmt: skip


def has_said(running: Running, verb: str, event_id: str, times: int) -> bool:
    return [line["event_id"] for line in running.worker.logged(verb)].count(event_id) == times


def test_what_a_handler_leaves_behind_is_nothing_to_the_others(running: Running) -> None:
    site, child = running.site, running.child()
    ids = site.send("bad.harmless", CALM, *({"do": doing} for doing in HARMLESS), CALM)
    site.wait_until_settled(ids, PATIENCE_SECONDS)
    assert [failure for event_id in ids for failure in site.detail(event_id).failures] == []
    for event_id in ids:
        assert [mark.handler for mark in site.marks(event_id)] == ["before", "guilty", "after"]
        for verb, times in (("delivery_done", 3), ("event_settled", 1)):
            # Lines come a moment after what they tell of: long ones are made by a thread of their own.
            wait_until(partial(has_said, running, verb, event_id, times))
    assert [len(str(line)) < 20_000 for line in running.worker.logged("much")] == [True] * 10
    assert running.child() == child
    living = [one for one in psutil.Process(child).children() if one.status() != psutil.STATUS_ZOMBIE]
    assert living == []  # the fork has ended, and did nothing else
    # The next one that hangs is interrupted, not killed: the alarm is the worker's again.
    (late,) = site.send("bad.afterwards", {"do": "loop in Python"})
    assert site.wait_until_settled([late], PATIENCE_SECONDS) == [State.DEAD]
    assert {failure.error_type for failure in site.detail(late).failures} == {
        "handlers.outcome.HandlerTimeout"
    }
    assert running.child() == child


@pytest.mark.parametrize(
    ("doing", "words"),
    [
        ("raise what can't be printed", "UnprintableError"),
        ("raise at length", "ValueError"),
        ("raise in a circle", "ValueError"),
        ("raise in a group", "BaseExceptionGroup"),
        ("recurse", "RecursionError"),
        ("fork and raise", "ZeroDivisionError"),
    ],
)
def test_a_handler_that_raises_is_dead_after_its_retries(running: Running, doing: str, words: str) -> None:
    site, child = running.site, running.child()
    ids = site.send("bad.raising", CALM, {"do": doing}, CALM)
    assert site.wait_until_settled(ids, PATIENCE_SECONDS) == [State.DONE, State.DEAD, State.DONE]
    assert [words in failure.error_type for failure in site.detail(ids[1]).failures] == [True, True]
    assert_only_the_guilty_is_charged(site, ids, ids[1], "guilty")
    assert len(site.marks(ids[1], "guilty")) == 2
    assert running.child() == child


@pytest.mark.parametrize(
    ("doing", "words"),
    [
        ("abort", "was ended by SIGABRT"),
        ("kill the group", "was ended by SIGKILL"),
        ("close files", "files of its own were closed"),
        ("eat memory", "used more than 500 MiB"),
        ("eat memory elsewhere", "used more than 500 MiB"),
        ("recurse without end", ""),
    ],
)
def test_a_handler_that_ends_its_process_is_charged_alone(running: Running, doing: str, words: str) -> None:
    site, child = running.site, running.child()
    began = time.monotonic()
    ids = site.send("worse.ending", CALM, {"do": doing}, CALM)
    site.wait_until_settled([ids[0], ids[2]], PATIENCE_SECONDS)
    delayed = time.monotonic() - began
    assert site.wait_until_settled(ids, PATIENCE_SECONDS) == [State.DONE, State.DEAD, State.DONE]
    (failure,) = site.detail(ids[1]).failures
    assert words in failure.message
    assert_only_the_guilty_is_charged(site, ids, ids[1], "guilty_once")
    assert delayed < 3 + 2 + 10  # its timeout, until it is killed, and the start of another child
    if words:
        assert not is_ours(child)


def test_files_opened_in_the_place_of_the_event_logs_stay_untouched(running: Running) -> None:
    site = running.site
    ids = site.send("worse.files", CALM, {"do": "close files and open others"}, CALM)
    assert site.wait_until_settled(ids, PATIENCE_SECONDS) == [State.DONE, State.DEAD, State.DONE]
    assert_only_the_guilty_is_charged(site, ids, ids[1], "guilty_once")
    precious = list(site.folder.glob("precious-*"))
    assert precious, "the handler came to open none: the test shows nothing"
    assert {file.stat().st_size for file in precious} == {0}


def test_a_worker_that_leaks_is_replaced_between_its_jobs(running: Running) -> None:
    site = running.site
    ids = [site.send("bad.leaking", {"do": "leak slowly"})[0] for _ in range(12)]  # 720 MiB in all
    assert site.wait_until_settled(ids, PATIENCE_SECONDS) == [State.DONE] * 12
    assert [len(site.marks(event_id)) for event_id in ids] == [3] * 12
    assert [site.detail(event_id).failures for event_id in ids] == [()] * 12
    causes = [line["cause"] for line in running.worker.logged("worker_restarted")]
    assert any("had grown" in cause for cause in causes), causes


@pytest.mark.parametrize(("doing", "attempts"), [("die inside", 2), ("hang in C", 2), ("close files", 2)])
def test_a_transaction_whose_process_dies_leaves_nothing(running: Running, doing: str, attempts: int) -> None:
    site = running.site
    began = time.monotonic()
    (event_id, other) = site.send("transact.inside", {"do": doing}, CALM)
    assert site.wait_until_settled([event_id, other], PATIENCE_SECONDS) == [State.DONE, State.DONE]
    assert time.monotonic() - began < 20  # not the handler's 30 s: others wait for the log
    assert (effects(site, event_id), effects(site, other)) == (1, 1)
    assert site.delivery(event_id, "transact").attempts == attempts
    assert site.detail(other).failures == ()
    (failure,) = site.detail(event_id).failures
    if doing == "hang in C":
        assert "HOOKS_TRANSACTION_SECONDS" in failure.message


def test_a_fork_in_a_transaction_commits_it_once(running: Running) -> None:
    site = running.site
    (event_id,) = site.send("transact.fork", {"do": "fork"})
    assert site.wait_until_settled([event_id], PATIENCE_SECONDS) == [State.DONE]
    assert effects(site, event_id) == 1
    assert len(site.marks(event_id, what="committed")) == 1


@pytest.mark.long
def test_a_child_killed_in_a_transaction_runs_it_again_and_after_it_never(own_site: Site) -> None:
    site = own_site
    site.clock()
    site.worker()
    inside, outside = site.send("transact.killed", {"do": "die inside"}, {"do": "die outside"})
    assert site.wait_until_settled([inside, outside], PATIENCE_SECONDS) == [State.DONE, State.DONE]
    assert (effects(site, inside), effects(site, outside)) == (1, 1)
    assert (len(site.marks(inside)), len(site.marks(outside))) == (2, 1)
    assert (site.delivery(outside, "transact").attempts, site.detail(outside).failures) == (1, ())


@pytest.mark.long
def test_a_whole_worker_killed_around_a_commit_leaves_each_row_once(own_site: Site) -> None:
    site = own_site
    site.clock()
    ids = []
    for doing, what in (("wait inside", "inside"), ("wait outside", "committed")):
        worker = site.worker()
        (event_id,) = site.send("transact.worker", {"do": doing})
        ids.append(event_id)
        child = wait_until(lambda: site.marks(event_id, what=what))[0].pid  # noqa: B023 - called at once
        worker.kill()
        os.kill(child, signal.SIGKILL)
    site.worker()
    assert site.wait_until_settled(ids, PATIENCE_SECONDS) == [State.DONE, State.DONE]
    assert [effects(site, event_id) for event_id in ids] == [1, 1]
    assert [len(site.marks(event_id)) for event_id in ids] == [2, 1]
    replay = create(site.log, selection=Selection(ids=(ids[1],)), handlers={"transact": ["*"]}, who="a test")
    again = [wait_until(lambda: [one for one in site.marks(ids[1], what="committed") if one.replay])[0].pid]
    os.kill(again[0], signal.SIGKILL)
    wait_until(lambda: site.delivery(ids[1], "transact", replay).state is State.DONE, PATIENCE_SECONDS)
    assert effects(site, ids[1]) == 2
    assert len([one for one in site.marks(ids[1]) if one.replay]) == 1


@pytest.mark.long
def test_a_handler_that_kills_the_parent_loses_nothing(sqlite_site: Site) -> None:
    site = sqlite_site
    site.clock()
    worker = site.worker()
    ids = site.send("worse.parent", CALM, {"do": "kill the parent once"}, CALM)
    assert worker.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    site.worker()
    assert site.wait_until_settled(ids, PATIENCE_SECONDS) == [State.DONE] * 3
    assert [site.detail(event_id).failures for event_id in ids] == [()] * 3
    assert [len(site.marks(event_id, "guilty_once")) for event_id in ids] == [1, 1, 1]


@pytest.mark.long
def test_on_postgresql_misbehaving_is_survived_alike(postgres_site: Site) -> None:
    site = postgres_site
    site.clock()
    worker = site.worker()
    doings = ["end backends", "fork", "silence", "take the alarm", "raise what can't be printed"]
    ids = site.send("bad.mixed", CALM, *({"do": doing} for doing in doings), CALM)
    worse = site.send("worse.mixed", CALM, {"do": "close files"}, CALM)
    site.wait_for_mark(ids[1], "after")  # until then the test's own connection may be ended
    states = site.wait_until_settled([*ids, *worse], PATIENCE_SECONDS)
    assert states == [State.DONE] * 5 + [State.DEAD, State.DONE] + [State.DONE, State.DEAD, State.DONE]
    assert_only_the_guilty_is_charged(site, ids, ids[5], "guilty")
    assert_only_the_guilty_is_charged(site, worse, worse[1], "guilty_once")
    assert worker.is_running()


def test_told_to_stop_a_worker_full_of_leftovers_ends_in_its_grace_time(sqlite_site: Site) -> None:
    site = sqlite_site
    worker = site.worker(HOOKS_GRACE_SECONDS="1")
    ids = site.send(
        "bad.leftovers", *({"do": doing} for doing in ("leave threads", "ignore signals", "move away"))
    )
    assert site.wait_until_settled(ids, PATIENCE_SECONDS) == [State.DONE] * 3
    worker.terminate()
    assert worker.wait(15) == 0
