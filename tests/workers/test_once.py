"""`ctx.once` in a worker: on a real log, under a lease, and under the handler's real timeout."""

import ctypes
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from structlog.testing import capture_logs

from eventlog.database import EventLog
from eventlog.effects import StepsOnRecord
from eventlog.replay_feed import feed
from eventlog.replays import create
from eventlog.selection import Selection
from eventlog.states import State
from handlers import Context, Event
from handlers.once import StepMisused
from handlers.outcome import HandlerTimeout
from handlers.transaction import DeliveryLost
from tests.servers.postgres import PostgreSQL
from tests.workers.claims import expire_leases
from tests.workers.dispatching import Dispatching
from workers.replay import choose_handlers
from workers.timer import HandlerTimer


@pytest.fixture
def here(database_url: str, open_log: Callable[[str], EventLog]) -> Iterator[Dispatching]:
    before = signal.getsignal(signal.SIGALRM)
    made = Dispatching(open_log(database_url), HandlerTimer())
    made.accept()
    yield made
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def recorded(here: Dispatching) -> dict[str, str]:
    return {effect.key: effect.result for effect in here.detail().effects}


def test_a_retry_takes_up_where_the_attempt_before_it_ended(here: Dispatching) -> None:
    taken: list[str] = []

    @here.router.on("a.b", retries=2)
    def h(event: Event, ctx: Context) -> None:
        def ask() -> dict[str, int]:
            taken.append("ask")
            return {"attempt": ctx.attempt}

        asked = ctx.once("ask", ask)
        if ctx.attempt == 1:
            raise OSError("mine")
        ctx.once("store", lambda: taken.append(f"store {asked}"))

    assert here.run().state is State.WAITING
    assert recorded(here) == {"ask": '{"attempt":1}'}
    assert here.run_again().state is State.DONE
    assert taken == ["ask", "store {'attempt': 1}"]
    assert recorded(here) == {"ask": '{"attempt":1}', "store": "null"}


def test_handlers_share_no_steps(here: Dispatching) -> None:
    seen: list[object] = []
    for name in ("one", "two"):
        here.router.on("a.b", name=name)(lambda event, ctx: seen.append(ctx.once("k", lambda: ctx.handler)))
    here.run()
    assert seen == ["one", "two"]


@pytest.mark.parametrize("keep_effects", [False, True])
def test_a_replay_takes_its_steps_again_unless_it_keeps_effects(
    here: Dispatching, *, keep_effects: bool
) -> None:
    seen: list[object] = []

    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        seen.append(ctx.once("k", lambda: ctx.replay))

    here.run()
    selection = Selection(ids=("evt_1",))
    replay = create(
        here.log, selection=selection, handlers={"h": ["*"]}, keep_effects=keep_effects, who="a test"
    )
    feed(here.log, replay, turn=10, choose=choose_handlers)
    here.run(replay=replay)
    assert seen == [0, 0 if keep_effects else replay]
    assert here.delivery("h", replay=replay).state is State.DONE


def test_without_the_lease_no_step_is_taken_and_the_attempt_has_no_outcome(here: Dispatching) -> None:
    raised: list[type[BaseException]] = []
    taken: list[str] = []

    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        expire_leases(here.log)
        try:
            ctx.once("k", lambda: taken.append("k"))
        except BaseException as error:  # noqa: BLE001 - it can't be swallowed either
            raised.append(type(error))

    here.router.on("a.b", name="after")(lambda event, ctx: taken.append("after"))
    with capture_logs() as logs:
        detail = here.run()
    assert (raised, taken) == ([DeliveryLost], [])
    assert (detail.state, detail.deliveries, detail.failures) == (State.QUEUED, (), ())
    assert [line["event"] for line in logs] == ["delivery_dropped"]


def test_a_step_taken_while_the_lease_was_lost_is_on_record_for_the_next_worker(here: Dispatching) -> None:
    seen: list[object] = []

    def slow() -> str:
        if not seen:
            expire_leases(here.log)
        return f"taken after {len(seen)}"

    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        seen.append(ctx.once("k", slow))

    assert here.run().state is State.QUEUED
    assert here.run().state is State.DONE
    assert seen == ["taken after 0"] * 2


def test_steps_come_before_the_transaction(here: Dispatching) -> None:
    taken: list[str] = []

    @here.router.on("a.b", retries=0)
    def inside(event: Event, ctx: Context) -> None:
        with ctx.transaction():
            ctx.once("k", lambda: taken.append("in it"))

    @here.router.on("a.b", retries=0)
    def after(event: Event, ctx: Context) -> None:
        with ctx.transaction():
            pass
        with pytest.raises(StepMisused, match="last act"):
            ctx.once("k", lambda: taken.append("after it"))
        taken.append("refused")

    @here.router.on("a.b", retries=0)
    def undone(event: Event, ctx: Context) -> None:
        with pytest.raises(ZeroDivisionError), ctx.transaction():
            raise ZeroDivisionError
        ctx.once("k", lambda: taken.append("after one that was undone"))

    detail = here.run()
    assert [failure.error_type for failure in detail.failures] == ["handlers.once.StepMisused"]
    assert here.delivery("after").state is here.delivery("undone").state is State.DONE
    assert taken == ["refused", "after one that was undone"]


def strike() -> object:
    """Give what raises the alarm so late that Python takes notice only when the step has returned."""
    return partial(ctypes.CDLL(None)["raise"], signal.SIGALRM)


def test_a_timeout_that_strikes_when_the_step_was_just_taken_strikes_after_the_record(
    here: Dispatching,
) -> None:
    raised: list[type[BaseException]] = []
    late = strike()

    @here.router.on("a.b", retries=3)
    def h(event: Event, ctx: Context) -> None:
        try:
            ctx.once("k", late)  # type: ignore[call-overload]
        except BaseException as error:
            raised.append(type(error))
            raise

    assert here.run().state is State.WAITING
    assert raised == [HandlerTimeout]
    assert recorded(here) == {"k": "0"}
    assert here.run_again().state is State.DONE


def test_the_time_may_be_up_while_the_log_is_at_work_and_strikes_then(
    here: Dispatching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StepsOnRecord, "record", slowed(StepsOnRecord.record))
    raised: list[str] = []

    @here.router.on("a.b", retries=1, timeout=0.3)
    def h(event: Event, ctx: Context) -> None:
        try:
            ctx.once("k", lambda: 1)
            time.sleep(30)
        except HandlerTimeout:
            raised.append(str(recorded(here)))
            raise

    here.run()
    assert raised == ["{'k': '1'}"]


def slowed(record: Callable[..., str]) -> Callable[..., str]:
    def slow(*arguments: object) -> str:
        time.sleep(0.6)
        return record(*arguments)

    return slow


def test_a_timeout_still_strikes_inside_a_step_and_after_it(here: Dispatching) -> None:
    @here.router.on("a.b", timeout=0.5)
    def inside(event: Event, ctx: Context) -> None:
        ctx.once("k", lambda: time.sleep(30))

    @here.router.on("a.b", timeout=0.5)
    def afterwards(event: Event, ctx: Context) -> None:
        ctx.once("k", lambda: 1)
        time.sleep(30)

    failures = here.run().failures
    assert [failure.error_type for failure in failures] == ["handlers.outcome.HandlerTimeout"] * 2
    assert [effect.handler for effect in here.detail().effects] == ["afterwards"]


def test_whenever_the_timeout_strikes_a_step_that_returned_is_on_record(here: Dispatching) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    taken: list[str] = []
    for number in range(60):

        @here.router.on("a.b", name=f"h{number}", retries=0, timeout=chance.uniform(0.001, 0.05))
        def h(event: Event, ctx: Context) -> None:
            for place in range(100):
                for _ in range(chance.randrange(2000)):
                    pass
                # In C: a step in Python has instructions after its effect, and the alarm may strike there.
                ctx.once(str(place), partial(taken.append, f"{ctx.handler} {place}"))

    detail = here.run()
    assert sorted(taken) == sorted(f"{effect.handler} {effect.key}" for effect in detail.effects)
    assert taken
    assert detail.failures


def test_with_the_log_away_at_the_record_the_handler_is_called_again_uncharged(
    postgres_url: str, postgres: PostgreSQL, open_log: Callable[[str], EventLog]
) -> None:
    here = Dispatching(open_log(postgres_url), HandlerTimer())
    here.accept()
    taken: list[int] = []

    @here.router.on("a.b", retries=0, timeout=2)
    def h(event: Event, ctx: Context) -> None:
        def stop_the_log() -> None:
            taken.append(ctx.attempt)
            if ctx.attempt == 1:
                postgres.stop()

        try:
            ctx.once("k", stop_the_log)
        finally:
            if ctx.attempt == 1:
                postgres.start()

    detail = here.run()
    (failure,) = detail.failures
    assert failure.error_type == "handlers.once.StepNotRecorded"
    assert here.delivery("h").state is State.WAITING
    assert here.run_again().state is State.DONE
    assert taken == [1, 2]


def test_a_fork_that_returns_from_its_step_records_nothing(here: Dispatching) -> None:
    @here.router.on("a.b")
    def h(event: Event, ctx: Context) -> None:
        mine = os.getpid()
        pid = ctx.once("k", os.fork)
        assert os.getpid() == mine
        assert os.waitpid(pid, 0) == (pid, 0)

    assert here.run().state is State.DONE
    assert len(recorded(here)) == 1
