"""How each way in which a handler may end becomes a delivery in the log."""

import copy
import socket
import time
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from eventlog.database import EventLog
from eventlog.states import State
from eventlog.tables import deliveries
from handlers import Context, Event, PermanentError, RetryLater, Skip, exponential, fixed
from handlers.registration import HandlerFunction
from tests.workers.dispatching import Dispatching
from workers.timer import HandlerTimer


@pytest.fixture
def here(log: EventLog) -> Dispatching:
    timer = HandlerTimer()
    timer.install()
    made = Dispatching(log, timer)
    made.accept()
    return made


def raising(error: BaseException) -> HandlerFunction:
    def handler(event: Event, ctx: Context) -> None:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "state", "failures", "note"),
    [
        (Skip("not ours"), State.SKIPPED, 0, "not ours"),
        (RetryLater(60, "busy"), State.WAITING, 0, "busy"),
        (ValueError("no"), State.WAITING, 1, None),
        (PermanentError("never"), State.DEAD, 1, None),
        (SystemExit(1), State.WAITING, 1, None),
        (KeyboardInterrupt(), State.WAITING, 1, None),
        (GeneratorExit(), State.WAITING, 1, None),
    ],
)
def test_each_end_is_recorded(
    here: Dispatching, error: BaseException, state: State, failures: int, note: str | None
) -> None:
    here.router.on("a.b", name="h")(raising(error))
    with capture_logs() as logs:
        detail = here.run()
    delivery = here.delivery("h")
    assert (delivery.state, delivery.attempts, delivery.note) == (state, 1, note)
    assert detail.state is state
    assert (delivery.due_at is not None) is (state is State.WAITING)
    assert delivery.version
    assert len(detail.failures) == failures
    assert _failures_counted(here) == failures
    (line,) = (line for line in logs if line["event"].startswith("delivery_"))
    assert line["event"] == f"delivery_{state}"
    assert (line["event_id"], line["handler"], line["attempt"]) == ("evt_1", "h", 1)
    assert ("error" in line) is bool(failures)


def test_success_is_recorded_with_its_duration(here: Dispatching) -> None:
    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        time.sleep(0.02)

    here.run()
    duration = here.delivery("h").duration
    assert duration is not None
    assert timedelta(milliseconds=20) <= duration < timedelta(seconds=1)


def test_retry_later_uses_up_no_retry(here: Dispatching) -> None:
    @here.router.on("a.b", retries=1)
    def h(event: Event, ctx: Context) -> None:
        if ctx.attempt <= 3:
            raise RetryLater(timedelta(minutes=1))
        raise ValueError("no")

    here.run()
    states = [here.run_again().state for _ in range(4)]
    assert states == [State.WAITING, State.WAITING, State.WAITING, State.DEAD]
    assert here.delivery("h").attempts == 5
    assert [failure.attempt for failure in here.detail().failures] == [4, 5]


def test_a_retry_waits_as_its_policy_says(here: Dispatching) -> None:
    here.router.on("a.b", name="h", backoff=exponential(100, jitter=0))(raising(ValueError("no")))
    here.run()
    first = _wait(here)
    here.run_again()
    assert timedelta(seconds=99) < first < timedelta(seconds=101)
    assert timedelta(seconds=199) < _wait(here) < timedelta(seconds=201)


def test_a_timeout_is_a_failure_like_any_other(here: Dispatching) -> None:
    @here.router.on("a.b", timeout=0.05)
    def h(event: Event, ctx: Context) -> None:
        try:
            while True:
                pass
        except Exception:  # noqa: BLE001 - it must not swallow the timeout
            pass

    @here.router.on("a.b")
    def neighbour(event: Event, ctx: Context) -> None: ...

    detail = here.run()
    (failure,) = detail.failures
    assert failure.error_type == "handlers.outcome.HandlerTimeout"
    assert ", in h\n" in failure.traceback
    assert here.delivery("h").state is State.WAITING
    assert here.delivery("neighbour").state is State.DONE


def test_a_timeout_that_strikes_before_the_handler_began_is_charged_to_it(here: Dispatching) -> None:
    here.router.on("a.b", name="h", timeout=1e-6, retries=0)(lambda event, ctx: None)
    for number in range(50):
        event_id = f"evt_again_{number}"
        here.accept(event_id)
        assert here.run(event_id).state in (State.DONE, State.DEAD)


def test_the_context_tells_the_handler_where_it_stands(here: Dispatching) -> None:
    seen: list[Context] = []

    @here.router.on("a.b", timeout=7)
    def h(event: Event, ctx: Context) -> None:
        seen.append(ctx)

    here.run()
    (ctx,) = seen
    started_at = here.delivery("h").started_at
    assert started_at is not None
    assert (ctx.handler, ctx.event_id, ctx.attempt, ctx.is_replay) == ("h", "evt_1", 1, False)
    assert ctx.deadline - started_at == timedelta(seconds=7)


def test_what_a_handler_logs_names_the_attempt_also_through_a_copy(here: Dispatching) -> None:
    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        ctx.log.bind(step=1).warning("bound")
        copy.deepcopy(ctx.log).warning("copied")

    with capture_logs() as logs:
        here.run()
    said = [line for line in logs if line["event"] in ("bound", "copied")]
    assert [(line["event"], line["event_id"], line["handler"], line["attempt"]) for line in said] == [
        ("bound", "evt_1", "h", 1),
        ("copied", "evt_1", "h", 1),
    ]


def test_the_parent_is_told_before_and_after_each_handler(log: EventLog, here: Dispatching) -> None:
    during = []

    @here.router.on("a.b", timeout=9, retries=1, backoff=fixed(10))
    def h(event: Event, ctx: Context) -> None:
        during.append(here.announced[-1])
        raise ValueError("no")

    began = time.monotonic()
    here.run()
    here.run_again()
    first, second = during
    assert first is not None
    assert second is not None
    assert [one is None for one in here.announced] == [False, True, False, True]
    assert (first.event_id, first.handler, first.attempt, first.failures) == ("evt_1", "h", 1, 1)
    assert (first.state_after_crash, first.retry_after_crash) == (State.WAITING, timedelta(seconds=10))
    assert 11 <= first.kill_at - began < 12
    assert (second.attempt, second.failures, second.state_after_crash) == (2, 2, State.DEAD)
    assert second.retry_after_crash is None


def test_text_that_no_database_takes_is_stored_all_the_same(log: EventLog, here: Dispatching) -> None:
    here.router.on("a.b", name="skips")(raising(Skip("nul \x00 and \ud800")))
    here.router.on("a.b", name="fails")(raising(ValueError("nul \x00 and \ud800")))
    assert len(here.run().failures) == 1
    assert "nul" in (here.delivery("skips").note or "")


def _wait(here: Dispatching) -> timedelta:
    delivery = here.delivery("h")
    assert delivery.due_at is not None
    assert delivery.started_at is not None
    assert delivery.duration is not None
    return delivery.due_at - delivery.started_at - delivery.duration


def _failures_counted(here: Dispatching) -> int:
    with here.log.read() as connection:
        return int(connection.execute(select(deliveries.c.failures)).scalar_one())


def test_requests_are_bounded_by_the_attempt_and_the_client_is_closed_with_it(here: Dispatching) -> None:
    used: list[httpx2.Client] = []

    @here.router.on("a.b", timeout=2)
    def h(event: Event, ctx: Context) -> None:
        assert not ctx.is_dry_run
        used.append(ctx.http)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            ctx.http.get(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=600)

    (failure,) = here.run().failures
    assert failure.error_type == "httpx2.ReadTimeout"
    assert used[0].is_closed
