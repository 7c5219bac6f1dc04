"""One job from claim to settled, in the test's process: real log, queue, page and keeper."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from eventlog.database import EventLog
from eventlog.leases import Claimed, claim
from eventlog.states import State
from handlers import Context, Event
from tests.eventlog.stored import accept
from tests.workers.claims import LONG, expire_leases
from tests.workers.running import Running
from workers.page import Note
from workers.queue.redis_queue import EventQueue


@pytest.fixture
def log(database_url: str, open_log: Callable[[str], EventLog]) -> EventLog:
    """Return an empty log; the test runs once on each kind of database."""
    return open_log(database_url)


def test_a_job_runs_its_events_and_records_them(running: Running) -> None:
    seen: list[tuple[str, Note]] = []

    @running.router.on("*")
    def h(event: Event, ctx: Context) -> None:
        seen.append((event.id, running.page.read()))

    accept(running.log, "evt_1", "evt_2")
    running.runner.run(["evt_2", "evt_1"], 0)
    assert running.states("evt_1", "evt_2") == [State.DONE, State.DONE]
    assert [event_id for event_id, _ in seen] == ["evt_1", "evt_2"]  # in order of arrival
    assert len({note.lease for _, note in seen}) == 1
    assert [note.running and note.running.event_id for _, note in seen] == ["evt_1", "evt_2"]
    assert running.page.read() == Note(is_ready=True)


def test_a_job_whose_events_were_all_taken_does_nothing(running: Running) -> None:
    ran: list[str] = []

    @running.router.on("*")
    def h(event: Event, ctx: Context) -> None:
        ran.append(event.id)

    accept(running.log, "evt_1")
    running.runner.run(["evt_1"], 0)
    running.runner.run(["evt_1", "evt_never_heard_of"], 0)
    running.runner.run([], 0)
    assert ran == ["evt_1"]


def test_told_to_stop_it_finishes_the_event_at_hand_and_hands_back_the_rest(
    running: Running, queue: EventQueue
) -> None:
    ran: list[str] = []

    @running.router.on("*")
    def first(event: Event, ctx: Context) -> None:
        ran.append(f"{event.id} first")
        running.runner.stop()

    @running.router.on("*")
    def second(event: Event, ctx: Context) -> None:
        ran.append(f"{event.id} second")

    accept(running.log, "evt_1", "evt_2")
    running.runner.run(["evt_1", "evt_2"], 0)
    assert ran == ["evt_1 first", "evt_1 second"]
    assert running.states("evt_1", "evt_2") == [State.DONE, State.QUEUED]
    assert queue.waiting_jobs() == 1


def test_a_job_that_comes_after_the_stop_is_handed_back_whole(running: Running, queue: EventQueue) -> None:
    accept(running.log, "evt_1", "evt_2")
    running.runner.stop()
    running.runner.run(["evt_1", "evt_2"], 0)
    assert running.states("evt_1", "evt_2") == [State.QUEUED, State.QUEUED]
    assert queue.waiting_jobs() == 1


def test_where_the_claim_took_its_time_nothing_is_run_that_was_lost_meanwhile(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    @running.router.on("*")
    def h(event: Event, ctx: Context) -> None:
        ran.append(event.id)

    accept(running.log, "evt_1")
    now = 0.0

    def claim_slowly(*args: Any, **kwargs: Any) -> Sequence[Claimed]:
        nonlocal now
        claimed = claim(*args, **kwargs)
        now += LONG.total_seconds()
        expire_leases(running.log)
        return claimed

    monkeypatch.setattr("eventlog.leases.claim", claim_slowly)
    monkeypatch.setattr("workers.runner.monotonic", lambda: now)
    with capture_logs() as logs:
        running.runner.run(["evt_1"], 0)
    assert ran == []
    assert [line["event"] for line in logs] == ["lease_lost"]
    assert running.states("evt_1") == [State.QUEUED]


def test_a_job_while_the_log_is_away_is_left_to_the_sweeper(queue: EventQueue) -> None:
    away = Running(EventLog.open("postgresql://localhost:1/nobody"), queue)
    with capture_logs() as logs:
        away.runner.run(["evt_1"], 0)
    assert [(line["event"], line["while_doing"]) for line in logs] == [("log_unavailable", "claim")]
    assert away.page.read() == Note(is_ready=True)
    away.page.close()
