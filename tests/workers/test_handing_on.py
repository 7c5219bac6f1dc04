"""What a worker hands on before it runs the rest, and what becomes of that which it could not."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.event import listens_for
from structlog.testing import capture_logs

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.hand_on import hand_on
from eventlog.leases import Claimed, claim, hand_back
from eventlog.states import State
from eventlog.sweep import sweep
from eventlog.tables import events
from handlers import Context, Event, RetryLater
from tests.eventlog.feeding import feed_all, make_replay
from tests.eventlog.stored import accept, an_event, open_intake, run
from tests.servers.waiting import wait_until
from tests.workers.running import Running
from workers.queue.redis_queue import EventQueue


@pytest.fixture
def log(database_url: str, open_log: Callable[[str], EventLog]) -> EventLog:
    """Return an empty log; the test runs once on each kind of database."""
    return open_log(database_url)


def test_what_was_lost_before_it_could_be_handed_on_is_not_said_to_be_handed_on(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.router.on("*", order="strict", name="in_order")(lambda event, ctx: None)
    accept(running.log, "evt_1", "evt_2")

    def claim_and_lose_the_first(*args: Any, **kwargs: Any) -> Sequence[Claimed]:
        claimed = claim(*args, **kwargs)
        with running.log.write() as connection:
            connection.execute(update(events).where(events.c.id == "evt_1").values(lease="another's"))
        return claimed

    monkeypatch.setattr("eventlog.leases.claim", claim_and_lose_the_first)
    with capture_logs() as logs:
        running.runner.run(["evt_1", "evt_2"], 0)
    assert [(line["event"], line.get("event_id")) for line in logs] == [
        ("event_handed_on", "evt_2"),
        ("lease_lost", None),
    ]
    assert running.states("evt_1", "evt_2") == [State.RUNNING, State.WAITING]


def test_what_was_handed_back_meanwhile_is_neither_handed_on_nor_lost(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.router.on("*", order="strict", name="in_order")(lambda event, ctx: None)
    accept(running.log, "evt_1")

    def hand_on_late(*args: Any, **kwargs: Any) -> Any:
        running.keeper.hand_back_unstarted()
        wait_until(lambda: running.states("evt_1") == [State.QUEUED])
        return hand_on(*args, **kwargs)

    monkeypatch.setattr("workers.handing_on.hand_on", hand_on_late)
    with capture_logs() as logs:
        running.runner.run(["evt_1"], 0)
    assert logs == []


def ask_for_an_hour(event: Event, ctx: Context) -> RetryLater:
    return RetryLater(timedelta(hours=1))


def fail_once(monkeypatch: pytest.MonkeyPatch, what: str, real: Callable[..., Any]) -> None:
    """Let the log be away when this is called for the first time."""
    failing = [LogUnavailable("away for a moment")]

    def away_at_first(*args: Any, **kwargs: Any) -> Any:
        if failing:
            raise failing.pop()
        return real(*args, **kwargs)

    monkeypatch.setattr(what, away_at_first)


def test_what_could_not_be_handed_on_is_not_put_off_by_the_retry_of_another_handler(
    running: Running, queue: EventQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.router.on("*")(ask_for_an_hour)
    ran: list[str] = []

    @running.router.on("*", order="strict")
    def ordered(event: Event, ctx: Context) -> None:
        ran.append(event.id)

    accept(running.log, "evt_1")
    fail_once(monkeypatch, "workers.handing_on.hand_on", hand_on)
    running.runner.run(["evt_1"], 0)
    assert [swept.event_id for swept in sweep(running.log)] == ["evt_1"]
    running.runner.run(["evt_1"], 0)
    running.runner.run(["evt_1"], 0, "hooks")
    assert ran == ["evt_1"]


def test_what_could_not_be_handed_on_of_a_replay_may_be_claimed_again_at_once(
    running: Running, queue: EventQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    @running.router.on("*")
    def plain(event: Event, ctx: Context) -> None:
        ran.append("plain")

    @running.router.on("*", order="strict")
    def ordered(event: Event, ctx: Context) -> None:
        ran.append("ordered")

    accept(running.log, "evt_1")
    run(running.log, "evt_1", {"plain": State.DONE, "ordered": State.DONE})
    number = make_replay(running.log, handlers=["plain", "ordered"])
    feed_all(running.log, number)
    fail_once(monkeypatch, "workers.handing_on.hand_on", hand_on)
    fail_once(monkeypatch, "eventlog.leases.hand_back", hand_back)
    running.runner.run(["evt_1"], number)
    assert queue.waiting_jobs() == 1
    running.runner.run(["evt_1"], number)
    running.runner.run(["evt_1"], number, "hooks")
    assert ran == ["plain", "ordered"]


def test_an_intake_that_stays_open_puts_nothing_off_until_the_retry_of_another_handler(
    postgres_url: str, open_log: Callable[[str], EventLog], queue: EventQueue
) -> None:
    log = open_log(postgres_url)
    running = Running(log, queue)
    running.router.on("*")(ask_for_an_hour)

    @running.router.on("*", order="strict")
    def ordered(event: Event, ctx: Context) -> None: ...

    with open_intake(log, an_event("evt_0")):
        accept(log, "evt_1")
        running.runner.run(["evt_1"], 0)
    assert running.states("evt_1") == [State.WAITING]
    assert "evt_1" in [swept.event_id for swept in sweep(log)]
    running.page.close()


def test_what_is_handed_on_is_written_in_short_transactions(running: Running) -> None:
    running.router.on("*", order="strict", name="in_order")(lambda event, ctx: None)
    ids = [f"evt_{number}" for number in range(250)]
    record(running.log, [an_event(each, subject=each) for each in ids])
    written: list[int] = []

    @listens_for(running.log._engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, given, *_) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002
        if statement.startswith("INSERT INTO deliveries"):
            written.append(len(given))

    running.runner.run(ids, 0)
    assert written == [100, 100, 50]
    assert running.states(*ids) == [State.WAITING] * 250


def test_where_the_log_goes_away_only_what_was_not_handed_on_yet_is_left(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.router.on("*", order="strict", name="in_order")(lambda event, ctx: None)
    monkeypatch.setattr("workers.handing_on._AT_ONCE", 2)
    accept(running.log, "evt_1", "evt_2", "evt_3")
    answers = [hand_on]

    def away_the_second_time(*args: Any, **kwargs: Any) -> Any:
        if not answers:
            raise LogUnavailable("away for a moment")
        return answers.pop()(*args, **kwargs)

    monkeypatch.setattr("workers.handing_on.hand_on", away_the_second_time)
    running.runner.run(["evt_1", "evt_2", "evt_3"], 0)
    assert [swept.event_id for swept in sweep(running.log)] == ["evt_3"]
