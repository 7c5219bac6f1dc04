"""Nothing on an event's way, and nothing that is looked up, costs more the more events the log holds."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from eventlog.acceptance import record
from eventlog.canary import advance
from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.diagnosis import read_recently_dead, read_unclaimed
from eventlog.effects import StepsOnRecord
from eventlog.export import read_export_page
from eventlog.failure_group_detail import read_group
from eventlog.failure_groups import Filters, find_fingerprints, read_groups
from eventlog.held_leases import read_held_leases
from eventlog.hold import Hold
from eventlog.last_run import LastRun
from eventlog.leases import claim, hand_back, holds, new_lease, renew
from eventlog.limits import Limit
from eventlog.listing import read_arrivals, read_latest, read_page
from eventlog.lone_diagnosis import read_held_lines, read_lone_queues
from eventlog.lone_sweep import look_for_due
from eventlog.outcome import Closing, Failure, Result
from eventlog.recent_outcomes import read_recent_outcomes
from eventlog.reconciliation.replay_counts import read_miscounts
from eventlog.reconciliation.search import measure
from eventlog.replay_outcome import read_dead
from eventlog.replay_preview import preview
from eventlog.replays import cancel, create, read_outcomes, read_replay
from eventlog.resolution import resolve
from eventlog.selection import Selection
from eventlog.settlement import settle
from eventlog.states import State
from eventlog.sweep import sweep
from eventlog.tables import events
from tests.eventlog.effort import effort_of
from tests.eventlog.feeding import feed_all, make_replay
from tests.eventlog.lane import HANDLER, Lane
from tests.eventlog.plans import analyze, assert_no_plan_reads_all, counted_by_postgresql, fill, plans_of
from tests.eventlog.stored import an_event, make_overdue, opened

HOUR = timedelta(hours=1)
LEASE = timedelta(seconds=30)


@pytest.fixture
def full(database_url: str) -> Iterator[EventLog]:
    """Return a log with thousands of events; the test runs once on each kind of database."""
    with closing(opened(database_url)) as log:
        fill(log)
        yield log


def run(log: EventLog, event_id: str, state: State, *, replay: int = 0) -> None:
    hold = Hold(lease=new_lease(), replay=replay)
    (claimed,) = claim(log, hold, [event_id], duration=LEASE)
    failed = state in (State.DEAD, State.WAITING)
    result = Result(
        seq=claimed.seq,
        handler="h",
        attempt=1,
        failures=int(failed),
        state=state,
        started_at=datetime.now(UTC),
        duration=timedelta(0),
        retry_in=HOUR if state is State.WAITING else None,
        failure=Failure(error_type="E", message="m", traceback="t", fingerprint="f1") if failed else None,
    )
    closing_ = Closing(seq=claimed.seq, event_id=event_id, state=state)
    settle(log, hold, results=[result], closings=[] if replay else [closing_])


def make_due(log: EventLog, *ids: str) -> None:
    with log.write() as connection:
        connection.execute(update(events).where(events.c.id.in_(ids)).values(due_at=datetime.now(UTC) - HOUR))


def test_no_step_of_an_events_way_reads_all(full: EventLog) -> None:
    def accept() -> None:
        record(full, [an_event("a"), an_event("b"), an_event("c"), an_event("d")])
        record(full, [an_event("a"), an_event("b", body=b"another")])

    def hold() -> None:
        lease = new_lease()
        (claimed,) = claim(full, Hold(lease=lease, replay=0), ["a"], duration=LEASE)
        steps = StepsOnRecord(log=full, seq=claimed.seq, handler="h", replay=0, lease=lease)
        steps.find("k")
        steps.record("k", "v")
        renew(full, Hold(lease=lease, replay=0), duration=LEASE)
        assert holds(full, Hold(lease=lease, replay=0), seq=claimed.seq)
        read_held_leases(full)
        assert hand_back(full, Hold(lease=lease, replay=0)) == ["a"]

    def end() -> None:
        run(full, "a", State.DONE)
        run(full, "b", State.DEAD)
        run(full, "c", State.WAITING)
        resolve(full, "b", by="a test", why="to see")

    def sweep_up() -> None:
        make_due(full, "c", "d")
        assert {swept.event_id for swept in sweep(full)} == {"c", "d"}

    assert_no_plan_reads_all(full, 25, accept, hold, end, sweep_up)


def test_no_step_of_a_second_hop_reads_all(full: EventLog) -> None:
    limit = Limit(concurrency=1, starts=10, period=HOUR)
    lane = Lane(log=full, limits={HANDLER: limit}, is_limited=True)

    def hop() -> None:
        lane.arrive("e1", "e2", "e3")
        lane.hop("e1", "e2", "e3")
        for event_id in ("e1", "e2"):
            _, (claimed,) = lane.claim(event_id)
            lane.end(claimed, State.DONE)

    assert_no_plan_reads_all(full, 25, hop, lambda: look_for_due(full))


def test_what_comes_before_an_event_is_looked_for_among_what_is_unfinished(full: EventLog) -> None:
    lane = Lane(log=full)
    with plans_of(full) as plans:
        lane.arrive("e1", subject="s1")
        lane.arrive("e2", subject=None)
        lane.hop("e1", "e2")
    looked = [plan for statement, plan in plans.items() if "events.seq > " in statement]
    assert ["ix_events_unfinished_subject" in plan for plan in looked] == [True, True]


def test_no_step_of_a_replay_reads_all(full: EventLog) -> None:
    record(full, [an_event("a"), an_event("b", "memory.t1")])

    def replay(selection: Selection, *, only_failed: bool = False) -> None:
        number = make_replay(full, selection, handlers=("h", "g"), only_failed=only_failed)
        feed_all(full, number, 1000)
        read_outcomes(full, number)
        read_dead(full, number, limit=5)
        cancel(full, number)

    def by_ids() -> None:
        run(full, "a", State.DONE)
        number = make_replay(full, Selection(ids=("a",)))
        feed_all(full, number)
        run(full, "a", State.DEAD, replay=number)
        read_miscounts(full)

    def canary() -> None:
        number = create(
            full,
            selection=Selection(last_run=LastRun(fingerprint="f1")),
            handlers={"h1": ["*"]},
            canary=True,
            who="a test",
        )
        made = read_replay(full, number)
        assert made
        advance(full, made)

    assert_no_plan_reads_all(
        full,
        25,
        by_ids,
        canary,
        lambda: replay(Selection(type="memory.t1")),
        lambda: replay(Selection(state=State.DEAD)),
        lambda: replay(Selection(subject="s1")),
        lambda: replay(Selection(since=RECENTLY)),
        lambda: replay(Selection(type="memory.*", since=LONG_AGO, until=RECENTLY)),
        lambda: replay(Selection(), only_failed=True),
        lambda: preview(full, Selection(last_run=LastRun(fingerprint="f1")), {"h1": ["*"]}, listed=5),
    )


RECENTLY = datetime.now(UTC) - HOUR
LONG_AGO = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
SELECTIONS = {
    "all": Selection(),
    "type": Selection(type="memory.t1"),
    "family": Selection(type="memory.*"),
    **{f"state {state}": Selection(state=state) for state in State},
    "subject": Selection(subject="s1"),
    "handler": Selection(handler="h1"),
    "fingerprint": Selection(fingerprint="f1"),
    "since": Selection(since=RECENTLY),
    "until": Selection(until=LONG_AGO),
    "since and until": Selection(since=LONG_AGO, until=RECENTLY),
    "type and state": Selection(type="memory.t1", state=State.DEAD),
    "family and state": Selection(type="memory.*", state=State.UNHANDLED),
    "type and queued": Selection(type="memory.t1", state=State.QUEUED),
    "type and since": Selection(type="memory.t1", since=LONG_AGO),
    "subject and state": Selection(subject="s1", state=State.DEAD),
    "subject and queued": Selection(subject="s1", state=State.QUEUED),
    "handler and state": Selection(handler="h1", state=State.DEAD),
    "handler and done": Selection(handler="h1", state=State.DONE),
    "handler and parked": Selection(handler="h1", state=State.PARKED),
    "handler and type": Selection(handler="h1", type="memory.t1"),
    "handler and fingerprint": Selection(handler="h1", fingerprint="f1"),
    "fingerprint and state": Selection(fingerprint="f1", state=State.DEAD),
    "ids": Selection(ids=("old_1", "none")),
}


def test_no_page_of_events_reads_all(full: EventLog) -> None:
    for name, selection in SELECTIONS.items():
        print(name)
        assert_no_plan_reads_all(
            full,
            1,
            lambda chosen=selection: read_page(full, chosen, limit=5),  # type: ignore[misc]
            lambda chosen=selection: read_page(full, chosen, limit=5, before=2000),  # type: ignore[misc]
            lambda chosen=selection: read_latest(full, chosen, limit=5),  # type: ignore[misc]
            lambda chosen=selection: read_arrivals(full, chosen, after=3900, limit=5),  # type: ignore[misc]
        )


def test_no_look_at_one_event_or_at_failures_reads_all(full: EventLog) -> None:
    assert_no_plan_reads_all(
        full,
        15,
        lambda: read_detail(full, "old_5"),
        lambda: read_groups(full, Filters(), limit=5),
        lambda: read_groups(full, Filters(handler="h1", type="memory.*", since=LONG_AGO), limit=5),
        lambda: read_group(full, "f1", listed=5),
        lambda: find_fingerprints(full, "f"),
        lambda: read_recent_outcomes(full, "h1", within=HOUR, at_most=50),
        lambda: read_export_page(full, Selection(), after=3900, upto=4000, limit=50),
    )


def test_nothing_that_the_clock_and_the_doctor_ask_reads_all(full: EventLog) -> None:
    assert_no_plan_reads_all(
        full,
        10,
        lambda: sweep(full),
        lambda: read_held_leases(full),
        lambda: look_for_due(full),
        lambda: measure(full),
        lambda: read_unclaimed(full, after=HOUR),
        lambda: read_recently_dead(full, within=HOUR),
        lambda: read_lone_queues(full),
        lambda: read_held_lines(full),
        lambda: read_miscounts(full),
    )


def test_what_waits_in_jobs_is_not_read_by_a_sweep(log: EventLog) -> None:
    def wait_in_jobs(first: int, last: int) -> None:
        ids = [f"evt_{number}" for number in range(first, last)]
        record(log, [an_event(each) for each in ids])
        make_overdue(log, ids, timedelta(minutes=1))
        analyze(log)

    wait_in_jobs(0, 20)
    with effort_of(log) as few:
        assert sweep(log, ended={}, queued_for=HOUR) == []
    wait_in_jobs(20, 2000)
    with effort_of(log) as many:
        assert sweep(log, ended={}, queued_for=HOUR) == []
    assert few.steps > 0
    assert many.steps <= few.steps


READ_OF_REPLAYS = (
    "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'ix_deliveries_of_replays'"
)


def test_an_outcome_of_a_large_replay_is_found_without_reading_all_of_the_replay(
    postgres_log: EventLog,
) -> None:
    # Without statistics, as in the first minute of a replay: rows of one replay are then taken for few.
    ids = [f"evt_{number}" for number in range(300)]
    record(postgres_log, [an_event(each) for each in ids])
    for each in ids:
        run(postgres_log, each, State.DONE)
    replay = make_replay(postgres_log, Selection())
    feed_all(postgres_log, replay, 1000)
    before = counted_by_postgresql(postgres_log, READ_OF_REPLAYS)
    for each in ids[:10]:
        run(postgres_log, each, State.DONE, replay=replay)
    assert counted_by_postgresql(postgres_log, READ_OF_REPLAYS) - before < 100
