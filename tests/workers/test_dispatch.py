"""Which handlers run for a claimed event, in which order, and what becomes of the event."""

import pytest

from eventlog.database import EventLog
from eventlog.replay_feed import feed
from eventlog.replays import create
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.sweep import sweep
from handlers import Context, Event, Skip, fixed
from tests.workers.dispatching import Dispatching
from workers.dispatch import HandlerMissing
from workers.replay import choose_handlers
from workers.timer import HandlerTimer


@pytest.fixture
def here(log: EventLog) -> Dispatching:
    timer = HandlerTimer()
    timer.install()
    made = Dispatching(log, timer)
    made.accept()
    return made


def test_every_handler_runs_in_order_of_registration_even_when_one_fails(here: Dispatching) -> None:
    ran = []

    @here.router.on("a.b")
    def zebra(event: Event, ctx: Context) -> None:
        ran.append("zebra")

    @here.router.on("*")
    def failing(event: Event, ctx: Context) -> None:
        ran.append("failing")
        raise ValueError("no")

    @here.router.on("a.*")
    def ape(event: Event, ctx: Context) -> None:
        ran.append("ape")

    detail = here.run()
    assert ran == ["zebra", "failing", "ape"]
    assert detail.state is State.WAITING
    assert detail.due_at == here.delivery("failing").due_at
    assert [here.delivery(name).state for name in ran] == [State.DONE, State.WAITING, State.DONE]


def test_a_retry_runs_only_what_has_not_succeeded(here: Dispatching) -> None:
    ran = []

    @here.router.on("a.b")
    def good(event: Event, ctx: Context) -> None:
        ran.append(("good", ctx.attempt))

    @here.router.on("a.b")
    def skipping(event: Event, ctx: Context) -> None:
        ran.append(("skipping", ctx.attempt))
        raise Skip

    @here.router.on("a.b")
    def failing(event: Event, ctx: Context) -> None:
        ran.append(("failing", ctx.attempt))
        if ctx.attempt < 3:
            raise ValueError("no")

    here.run()
    here.run_again()
    detail = here.run_again()
    assert ran == [("good", 1), ("skipping", 1), ("failing", 1), ("failing", 2), ("failing", 3)]
    assert detail.state is State.DONE
    assert [failure.attempt for failure in detail.failures] == [1, 2]


def test_a_retry_that_is_not_due_yet_is_left(here: Dispatching) -> None:
    ran = []

    @here.router.on("a.b", backoff=fixed(0))
    def soon(event: Event, ctx: Context) -> None:
        ran.append("soon")
        if ctx.attempt == 1:
            raise ValueError("no")

    @here.router.on("a.b", backoff=fixed(600))
    def late(event: Event, ctx: Context) -> None:
        ran.append("late")
        raise ValueError("no")

    assert here.run().due_at == here.delivery("soon").due_at
    sweep(here.log)
    detail = here.run()
    assert ran == ["soon", "late", "soon"]
    assert detail.state is State.WAITING
    assert detail.due_at == here.delivery("late").due_at


def test_an_event_that_no_handler_wants_is_unhandled(here: Dispatching) -> None:
    detail = here.run()
    assert detail.state is State.UNHANDLED
    assert detail.due_at is None
    assert detail.deliveries == ()


def test_an_event_that_every_handler_skips_is_skipped(here: Dispatching) -> None:
    @here.router.on("a.b")
    def one(event: Event, ctx: Context) -> None:
        raise Skip("not ours")

    @here.router.on("a.b")
    def two(event: Event, ctx: Context) -> Skip:
        return Skip()

    assert here.run().state is State.SKIPPED
    assert (here.delivery("one").note, here.delivery("two").note) == ("not ours", None)


def test_one_dead_delivery_makes_the_event_dead(here: Dispatching) -> None:
    @here.router.on("a.b")
    def good(event: Event, ctx: Context) -> None: ...

    @here.router.on("a.b", retries=0)
    def bad(event: Event, ctx: Context) -> None:
        raise ValueError("no")

    assert here.run().state is State.DEAD


def test_a_retry_whose_handler_is_gone_says_what_is_missing_and_waits(here: Dispatching) -> None:
    @here.router.on("a.b", retries=1)
    def renamed(event: Event, ctx: Context) -> None:
        raise ValueError("no")

    here.run()
    here.router._handlers.clear()  # as in a worker with other handlers
    here.router._of_types.clear()
    for _ in range(3):
        detail = here.run_again()
    assert detail.state is State.WAITING
    assert here.delivery("renamed").attempts == 4
    assert detail.failures[-1].error_type == "workers.dispatch.HandlerMissing"
    assert "no handler named 'renamed' is registered" in detail.failures[-1].message
    here.router.on("a.b", name="renamed", retries=1)(lambda event, ctx: None)  # its retry is still left
    assert here.run_again().state is State.DONE


def test_a_handler_that_is_missing_is_looked_for_less_and_less_and_not_for_ever() -> None:
    waits = [HandlerMissing("gone", attempt).retry_after.total_seconds() for attempt in range(1, 201)]
    assert waits[0] <= 5
    assert 4 * 86400 < sum(waits) < 9 * 86400
    assert not HandlerMissing("gone", 200).permanent
    assert HandlerMissing("gone", 201).permanent


def test_a_handler_that_came_later_runs_with_a_retry_of_the_others(here: Dispatching) -> None:
    @here.router.on("a.b")
    def first(event: Event, ctx: Context) -> None:
        if ctx.attempt == 1:
            raise ValueError("no")

    here.run()

    @here.router.on("a.b")
    def second(event: Event, ctx: Context) -> None: ...

    assert here.run_again().state is State.DONE
    assert here.delivery("second").attempts == 1


def test_what_a_handler_does_to_the_data_is_nothing_to_the_next(here: Dispatching) -> None:
    here.accept("evt_2", data=b'{"tags": ["x"]}')
    seen = []

    @here.router.on("a.b")
    def careless(event: Event, ctx: Context) -> None:
        event.data["tags"].append("mine")

    @here.router.on("a.b")
    def reader(event: Event, ctx: Context) -> None:
        seen.append(event.data)

    here.run("evt_2")
    assert seen == [{"tags": ["x"]}]


def test_data_that_cannot_be_decoded_is_permanent_for_the_delivery_that_looks_at_it(
    here: Dispatching,
) -> None:
    here.accept("evt_2", data=b'"\xff"')

    @here.router.on("a.b")
    def looking(event: Event, ctx: Context) -> None:
        assert event.data

    @here.router.on("a.b")
    def not_looking(event: Event, ctx: Context) -> None: ...

    detail = here.run("evt_2")
    states = {one.handler: (one.state, one.attempts) for one in detail.deliveries}
    assert states == {"looking": (State.DEAD, 1), "not_looking": (State.DONE, 1)}
    assert detail.failures[0].error_type == "eventlog.event.UndecodableData"


def test_nothing_more_is_run_or_closed_once_the_lease_is_lost(here: Dispatching) -> None:
    @here.router.on("a.b")
    def first(event: Event, ctx: Context) -> None:
        here.lost = True

    @here.router.on("a.b")
    def second(event: Event, ctx: Context) -> None:
        raise AssertionError("another worker runs this")

    detail = here.run()
    assert detail.state is State.RUNNING
    assert [one.handler for one in detail.deliveries] == ["first"]


def test_a_replay_runs_its_own_deliveries_and_leaves_the_event_alone(here: Dispatching) -> None:
    seen = []
    others = []

    @here.router.on("a.b")
    def good(event: Event, ctx: Context) -> None:
        seen.append((ctx.is_replay, ctx.replay, ctx.attempt))
        if ctx.is_replay and ctx.attempt == 1:
            raise ValueError("no")

    @here.router.on("a.b")
    def other(event: Event, ctx: Context) -> None:
        others.append((ctx.replay, ctx.attempt))

    here.run()
    replay = create(here.log, selection=Selection(), handlers={"good": ["a.*"], "gone": ["*"]}, who="a test")
    feed(here.log, replay, turn=10, choose=choose_handlers)
    detail = here.run(replay=replay)
    assert detail.state is State.DONE
    assert here.delivery("good", replay=replay).state is State.WAITING
    assert here.delivery("gone", replay=replay).state is State.WAITING
    assert {failure.error_type for failure in detail.failures} == {
        "ValueError",
        "workers.dispatch.HandlerMissing",
    }
    here.run_again(replay=replay)
    assert here.delivery("good", replay=replay).state is State.DONE
    assert seen == [(False, 0, 1), (True, replay, 1), (True, replay, 2)]
    assert others == [(0, 1)]
