"""Deploys while events come in: new tables under old code, old handlers beside new ones, handlers that go."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from eventlog.replays import create, read_outcomes
from eventlog.schema import read_revision, upgrade
from eventlog.selection import Selection
from eventlog.states import State
from tests.eventlog.later_migration import LATER, later_migrations
from tests.eventlog.rows import make_delivery_due, make_event_due
from tests.faults.stage import Stage, stage
from tests.faults.stream import Stream
from tests.servers.waiting import wait_until
from tests.workers.worksite import Site, Started

MISSING = "workers.dispatch.HandlerMissing"
OLD = """
from handlers import Context, Event, Router
from marking_handlers import QUICKLY, mark

router = Router()


@router.on("memory.*", backoff=QUICKLY)
def a(event: Event, ctx: Context) -> None:
    mark(event, ctx, "old")
"""
NEW = (
    OLD.replace('"old"', '"new"')
    + """

@router.on("*", backoff=QUICKLY)
def b(event: Event, ctx: Context) -> None:
    mark(event, ctx, "new")
    if event.data.get("fails") and ctx.attempt == 1 and not ctx.is_replay:
        raise ValueError("as planned")
"""
)


@pytest.fixture
def site(tmp_path: Path, sqlite_url: str, redis_url: str) -> Iterator[Site]:
    (tmp_path / "old_handlers.py").write_text(OLD)
    (tmp_path / "new_handlers.py").write_text(NEW)
    made = Site(tmp_path, sqlite_url, redis_url, HOOKS_LEASE_SECONDS="3", HOOKS_GRACE_SECONDS="5")
    with closing(made):
        yield made


def worker(site: Site, which: str) -> Started:
    started = site.start("worker", HOOKS_HANDLERS=f"{which}_handlers")
    started.wait_for("worker_ready", deadline_seconds=60)
    return started


def stop(started: Started) -> None:
    started.terminate()
    assert started.wait(30) == 0


@pytest.mark.long
def test_a_migration_under_traffic_loses_nothing_and_old_code_goes_on(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    with stage(tmp_path, database_url=database_url, redis_url=redis_url) as it:
        it.start()
        with Stream(it.ports, rate=30) as stream:
            wait_until(lambda: len(stream.acknowledged) > 10, 30)
            with it.log.read() as reader:
                reader.execute(text("SELECT count(*) FROM events"))
                # On SQLite a reader hinders no writer; on PostgreSQL the upgrade waits until it ends.
                later = later_migrations(tmp_path)
                upgrading = _in_the_background(it, later)
                seen = len(stream.acknowledged)
                wait_until(lambda: len(stream.acknowledged) > seen + 20, 60)
            assert upgrading.wait(60) == 0
            seen = len(stream.acknowledged)
            for member in it.members:
                stop(member.process)
            it.keep_alive()  # what starts now finds tables that are newer than its code
            wait_until(lambda: len(stream.acknowledged) > seen + 20, 60)
        assert read_revision(it.log) == LATER
        assert not upgrade(it.log)
        it.wait_until_settled(stream.acknowledged)
        print(f"{len(stream.acknowledged)} acknowledged, {stream.statuses}")
        print(f"{stream.slowest_seconds:.2f} s at most")
        it.assert_promise_kept(stream.acknowledged)
        it.assert_no_traceback()


def _in_the_background(it: Stage, later: dict[str, str]) -> "subprocess.Popen[bytes]":
    program = (
        "import sys; from eventlog.database import EventLog; from eventlog.schema import upgrade\n"
        "assert upgrade(EventLog.open(sys.argv[1]), migrations=sys.argv[2], head=sys.argv[3])"
    )
    arguments = [it.database_url, later["migrations"], later["head"]]
    return subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=it.folder, env=it.environment)


@pytest.mark.long
def test_workers_with_old_and_new_handlers_side_by_side_settle_everything_once(site: Site) -> None:
    site.start("clock")
    workers = {which: worker(site, which) for which in ("old", "new")}
    ids = [event_id for _ in range(60) for event_id in site.send("memory.stored", {})]
    assert site.wait_until_settled(ids, 30) == [State.DONE] * 60
    by_worker: Counter[str] = Counter()
    for event_id in ids:
        (mark,) = [each for what in workers for each in site.marks(event_id, "a", what)]
        handlers = {delivery.handler for delivery in site.detail(event_id).deliveries}
        assert handlers == ({"a", "b"} if mark.what == "new" else {"a"})
        assert len(site.marks(event_id, "b", "new")) == (mark.what == "new")
        by_worker[mark.what] += 1
    print(dict(by_worker))


@pytest.mark.long
def test_a_delivery_whose_handler_the_old_worker_lacks_waits_for_the_new_one(site: Site) -> None:
    site.start("clock")
    new = worker(site, "new")
    (event_id,) = site.send("memory.stored", {"fails": True})
    wait_until(lambda: site.marks(event_id, "b", "new"), 30)
    stop(new)
    old = worker(site, "old")
    _make_due(site, event_id, "b")
    wait_until(lambda: MISSING in _errors(site, event_id), 20)
    stop(old)
    worker(site, "new")
    _make_due(site, event_id, "b")
    assert site.wait_until_settled([event_id], 30) == [State.DONE]
    assert len(site.marks(event_id, "a", "new")) == 1
    assert site.marks(event_id, "a", "old") == []
    assert len(site.marks(event_id, "b", "new")) == 2


@pytest.mark.long
def test_a_handler_that_is_gone_leaves_a_delivery_that_waits_for_it_with_the_reason(site: Site) -> None:
    site.start("clock")
    new = worker(site, "new")
    (event_id,) = site.send("memory.stored", {"fails": True})
    wait_until(lambda: site.marks(event_id, "b", "new"), 30)
    stop(new)
    old = worker(site, "old")
    (unhandled,) = site.send("agent.failed", {})  # for `b` alone

    def is_tried_more_often_than_it_has_retries() -> bool:
        _make_due(site, event_id, "b")  # it is looked for less and less
        return _errors(site, event_id).count(MISSING) > 4

    wait_until(is_tried_more_often_than_it_has_retries, 30, every_seconds=0.2)
    assert State.DEAD not in site.states([event_id])
    reason = site.detail(event_id).failures[-1].message
    assert reason == "no handler named 'b' is registered in this worker; was it renamed or removed?"
    assert site.delivery(event_id, "a").state is State.DONE
    assert site.states([unhandled]) == [State.UNHANDLED]

    stop(old)
    worker(site, "new")
    replay = create(site.log, selection=Selection(ids=(unhandled,)), handlers={"b": ["*"]}, who="a test")
    wait_until(lambda: read_outcomes(site.log, replay) == {State.DONE: 1}, 30)

    def is_done() -> bool:
        _make_due(site, event_id, "b")
        return site.states([event_id]) == [State.DONE]

    wait_until(is_done, 30, every_seconds=0.2)
    assert len(site.marks(event_id, "b", "new")) == 2
    assert len(site.marks(unhandled, "b", "new")) == 1


def _errors(site: Site, event_id: str) -> list[str]:
    return [failure.error_type for failure in site.detail(event_id).failures]


def _make_due(site: Site, event_id: str, handler: str) -> None:
    """Let a retry be due now; of an event that a worker is at, it waits for the sweeper to come by."""
    if site.detail(event_id).state is State.WAITING:
        make_delivery_due(site.log, handler)
        make_event_due(site.log, event_id)
