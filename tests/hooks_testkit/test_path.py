"""The whole path, from signature to outcome, in the test's own process and time."""

import time
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from handlers import Context, Event, RetryLater, Router
from handlers.testing import make_event
from hooks_testkit.path import EventPath, NeverSettles, NotAccepted, deliver
from receiver.signature import sign
from tests.hooks_testkit import counting

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)


def failing(times: int, **options: object) -> Router:
    router = Router()

    @router.on("agent.*", **options)  # type: ignore[arg-type]
    def flaky(event: Event, ctx: Context) -> None:
        ctx.log.info("tried", attempt=ctx.attempt, left=(ctx.deadline - event.received_at).total_seconds())
        if ctx.attempt <= times:
            raise ValueError(f"attempt {ctx.attempt}")

    return router


def offsets(path: EventPath, event: Event) -> list[float]:
    return [(call.at - NOON).total_seconds() for call in path.look(event).calls]


def test_an_event_is_delivered_and_all_of_it_told() -> None:
    event = make_event("agent.failed", agentId="a")
    delivered = deliver(failing(1), event, now=NOON)
    assert (delivered.id, delivered.type, delivered.state, delivered.seen) == (
        event.id,
        "agent.failed",
        "waiting",
        1,
    )
    assert delivered.due_at == NOON + timedelta(seconds=5)
    assert delivered.delivery("flaky").attempts == 1
    (failure,) = delivered.failures
    assert (failure.handler, failure.error_type, failure.message) == ("flaky", "ValueError", "attempt 1")
    (line,) = delivered.logs
    assert (line["event"], line["left"]) == ("tried", 30.0)
    assert [(call.handler, call.attempt, call.at) for call in delivered.calls] == [("flaky", 1, NOON)]


def test_a_retry_runs_when_the_clock_says_so_and_not_before() -> None:
    path = EventPath(failing(1), now=NOON)
    event = make_event("agent.failed")
    path.deliver(event)
    path.advance(seconds=4.999)
    assert path.look(event).state == "waiting"
    path.advance(seconds=0.001)
    assert path.look(event).state == "done"
    assert offsets(path, event) == [0, 5]


def test_each_retry_runs_at_its_own_time_within_one_advance() -> None:
    path = EventPath(failing(3), now=NOON)
    event = make_event("agent.failed")
    path.deliver(event)
    path.advance(hours=1)
    assert offsets(path, event) == [0, 5, 15, 35]
    assert path.look(event).state == "done"
    assert path.clock.now() == NOON + timedelta(hours=1)


def test_settling_ends_with_the_last_that_was_due() -> None:
    path = EventPath(failing(9, retries=2), now=NOON)
    event = make_event("agent.failed")
    path.deliver(event)
    path.settle()
    assert path.look(event).state == "dead"
    assert path.clock.now() == NOON + timedelta(seconds=15)


def test_several_handlers_are_run_and_one_failing_stops_no_other() -> None:
    path = EventPath(failing(9), counting.router, lambda event, ctx: None, tables=counting.Base.metadata)
    delivered = path.deliver(make_event("agent.failed"))
    assert {one.handler: one.state.value for one in delivered.deliveries} == {
        "flaky": "waiting",
        "handler": "done",
    }


def test_handlers_with_queues_of_their_own_and_in_order_run_too() -> None:
    router = Router()
    seen: list[str] = []

    @router.on("memory.*", queue="slow", order="strict")
    def ordered(event: Event, ctx: Context) -> None:
        if event.data.get("fails") and ctx.attempt == 1:
            raise ValueError("first")
        seen.append(event.id)

    path = EventPath(router, now=NOON)
    first = make_event("memory.stored", memoryId="m", fails=True)
    second = make_event("memory.stored", memoryId="m")
    assert path.deliver(first).delivery("ordered").state == "waiting"
    assert path.deliver(second).delivery("ordered").state == "parked"
    path.advance(seconds=5)
    assert seen == [first.id, second.id]
    assert path.look(second).state == "done"


def test_a_rate_is_kept_by_the_frozen_clock() -> None:
    router = Router()
    router.on("memory.*", rate="1/min", name="slow")(lambda event, ctx: None)
    path = EventPath(router, now=NOON)
    made = [make_event("memory.stored") for _ in range(3)]
    for event in made:
        path.deliver(event)
    path.settle()
    starts = sorted(offset for event in made for offset in offsets(path, event))
    assert starts == [0, 60, 120]


def test_a_handler_without_a_match_leaves_the_event_unhandled() -> None:
    assert deliver(failing(0), make_event("memory.stored")).state == "unhandled"


def test_a_copy_is_a_duplicate_and_runs_nothing() -> None:
    path = EventPath(failing(0))
    event = make_event("agent.failed")
    assert path.send(event).status == 202
    assert path.send(event).status == 200
    path.work()
    delivered = path.deliver(event)
    assert (delivered.seen, delivered.times_called("flaky")) == (3, 1)


def test_the_receiver_refuses_here_as_it_does_elsewhere() -> None:
    path = EventPath(failing(0))
    body = make_event("agent.failed").body
    assert path.post(body, sign(body, b"another secret")).status == 401
    assert path.post(b"[]", None).status == 401
    with pytest.raises(NotAccepted, match="422"):
        path.deliver(make_event("agent.failed", id="x" * 300))


def test_a_handler_that_passes_its_time_gets_its_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    router = Router()
    went_on: list[str] = []

    @router.on("*", timeout=10)
    def sleepy(event: Event, ctx: Context) -> None:
        time.sleep(9.5)
        went_on.append("in time")
        try:
            time.sleep(0.5)
        except Exception:  # noqa: BLE001 - a timeout is none
            went_on.append("swallowed")
        went_on.append("too late")

    path = EventPath(router, now=NOON)
    monkeypatch.setattr(time, "sleep", path.clock.sleep)
    (failure,) = path.deliver(make_event("ping")).failures
    assert failure.error_type == "handlers.outcome.HandlerTimeout"
    assert went_on == ["in time"]


def test_advancing_inside_a_handler_runs_nothing_else() -> None:
    router = Router()
    path = EventPath(router, now=NOON)
    other = make_event("agent.failed")

    @router.on("agent.*")
    def later(event: Event, ctx: Context) -> None:
        if ctx.attempt == 1:
            raise RetryLater(1)

    @router.on("ping", undocumented=True)
    def advancing(event: Event, ctx: Context) -> None:
        path.advance(seconds=5)
        assert path.look(other).state == "waiting"

    path.deliver(other)
    assert path.deliver(make_event("ping")).state == "done"


def test_a_handler_may_pass_more_time_than_the_test() -> None:
    path = EventPath(lambda event, ctx: path.clock.sleep(20), now=NOON)
    event = make_event("ping")
    path.send(event)
    path.advance(seconds=5)
    assert path.look(event).state == "done"
    assert path.clock.now() == NOON + timedelta(seconds=20)


def test_what_never_settles_is_told() -> None:
    router = Router()

    @router.on("*")
    def again(event: Event, ctx: Context) -> None:
        raise RetryLater(0)

    path = EventPath(router)
    path.rounds = 5
    path.deliver(make_event("ping"))
    with pytest.raises(NeverSettles, match="RetryLater"):
        path.advance(seconds=1)


def test_its_own_tables_and_steps_are_as_in_a_worker() -> None:
    counting.sent.clear()
    path = EventPath(counting.router, tables=counting.Base.metadata)
    for _ in range(2):
        assert path.deliver(make_event("memory.stored")).state == "done"
    assert counting.counted(path) == 2
    assert len(counting.sent) == 2


def test_requests_are_answered_and_none_is_sent() -> None:
    def ask(event: Event, ctx: Context) -> None:
        ctx.http.post("https://example.com/", json={}).raise_for_status()

    busy = httpx2.MockTransport(lambda request: httpx2.Response(429, headers={"Retry-After": "90"}))
    assert deliver(ask, make_event("ping"), http=busy, now=NOON).due_at == NOON + timedelta(seconds=90)
    (failure,) = deliver(ask, make_event("ping")).failures
    assert failure.error_type == "handlers.http.HttpMisused"


def test_what_is_not_there_is_told() -> None:
    path = EventPath(failing(0))
    with pytest.raises(LookupError, match="no event 'evt_x'"):
        path.look("evt_x")
    with pytest.raises(LookupError, match="no delivery to 'other'; it has: flaky"):
        path.deliver(make_event("agent.failed")).delivery("other")
    with pytest.raises(ValueError, match="needs handlers"):
        EventPath()
