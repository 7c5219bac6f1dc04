"""Which deliveries of a claimed event are handed on, and the limits that hold for them."""

from datetime import UTC, datetime, timedelta

import pytest

from eventlog.event import Event
from eventlog.hand_on import Placement
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.leases import Claimed, PriorDelivery
from eventlog.limits import Limit
from eventlog.states import State
from handlers import Context, Router
from workers.placing import limits_of, placements

A_REPLAY = 3


@pytest.fixture
def router() -> Router:
    made = Router()

    @made.on("agent.*")
    def together(event: Event, ctx: Context) -> None: ...

    @made.on("agent.*", queue="slow")
    def slow(event: Event, ctx: Context) -> None: ...

    @made.on("agent.started", "agent.failed", order="strict")
    def in_order(event: Event, ctx: Context) -> None: ...

    @made.on("agent.*", concurrency=2, rate="5/min")
    def limited(event: Event, ctx: Context) -> None: ...

    @made.on("memory.*", queue="slow")
    def of_another_type(event: Event, ctx: Context) -> None: ...

    return made


def claimed(*prior: PriorDelivery) -> Claimed:
    event = Event(
        id="evt_1", type="agent.failed", subject="a1", received_at=datetime.now(UTC), body=b'{"data": {}}'
    )
    return Claimed(seq=7, event=event, prior=prior)


def prior(handler: str, *, is_due: bool = True, queue: str | None = None) -> PriorDelivery:
    return PriorDelivery(
        handler=handler, state=State.WAITING, attempts=1, failures=1, is_due=is_due, queue=queue
    )


def placed(
    router: Router, one: Claimed, *, replay: int = ORIGINAL_RUN, queue: str | None = None
) -> list[str]:
    return [each.handler for each in placements(router, one, Hold(lease="l", replay=replay, queue=queue))]


def test_of_a_fresh_event_all_are_handed_on_that_run_alone(router: Router) -> None:
    assert placements(router, claimed(), Hold(lease="l", replay=ORIGINAL_RUN)) == [
        Placement(seq=7, handler="slow", queue="slow", subject="a1", patterns=("agent.*",)),
        Placement(
            seq=7,
            handler="in_order",
            queue="hooks",
            is_ordered=True,
            subject="a1",
            patterns=("agent.started", "agent.failed"),
        ),
        Placement(seq=7, handler="limited", queue="hooks", subject="a1", patterns=("agent.*",)),
    ]


def test_what_was_handed_on_before_is_not_handed_on_again(router: Router) -> None:
    one = claimed(prior("slow", is_due=False, queue="slow"), prior("in_order", is_due=False, queue="hooks"))
    assert placed(router, one) == ["limited"]


def test_what_began_with_its_event_goes_on_with_it(router: Router) -> None:
    """As for a handler that was given a queue while a retry of it was waiting."""
    assert placed(router, claimed(prior("slow"), prior("in_order"), prior("limited"))) == []


def test_of_a_replay_only_what_it_wants_and_is_claimed_is_handed_on(router: Router) -> None:
    one = claimed(prior("slow"), prior("together"), prior("limited", is_due=False), prior("gone"))
    assert placed(router, one, replay=A_REPLAY) == ["slow"]


@pytest.mark.parametrize("replay", [ORIGINAL_RUN, A_REPLAY])
def test_in_its_queue_it_runs_and_in_another_it_is_moved(router: Router, replay: int) -> None:
    one = claimed(prior("slow", queue="slow"), prior("limited", queue="slow"))
    assert placed(router, one, replay=replay, queue="slow") == ["limited"]
    assert placed(router, one, replay=replay, queue="hooks") == ["slow"]


def test_an_event_without_a_subject_has_a_line_of_its_own(router: Router) -> None:
    placement = Placement(seq=1, handler="in_order", queue="hooks", is_ordered=True)
    assert placement.line == ""
    assert Placement(seq=1, handler="slow", queue="slow", subject="a1").line is None


def test_the_limits_are_those_of_the_handlers_that_have_any(router: Router) -> None:
    assert limits_of(router) == {"limited": Limit(concurrency=2, starts=5, period=timedelta(minutes=1))}
    alone = Router()
    alone.on("*", name="one_at_a_time", concurrency=1)(lambda event, ctx: None)
    alone.on("*", name="rarely", rate="1/h")(lambda event, ctx: None)
    assert limits_of(alone) == {
        "one_at_a_time": Limit(concurrency=1),
        "rarely": Limit(starts=1, period=timedelta(hours=1)),
    }
