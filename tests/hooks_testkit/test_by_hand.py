"""Replays and resolutions on a path."""

from datetime import UTC, datetime

import pytest

from handlers import Context, Event, PermanentError, RetryLater, Router
from handlers.testing import make_event
from hooks_testkit.by_hand import NothingToReplay, NothingToResolve
from hooks_testkit.delivered import Delivered
from hooks_testkit.path import EventPath

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)


class Agents:
    """A handler that gives up until it is mended, and another one beside it; one agent's two events."""

    def __init__(self, **options: object) -> None:
        self.is_mended = False
        self.ran: list[tuple[str, bool]] = []
        self.steps = 0
        router = Router()

        @router.on("agent.*", **({"order": "strict", "on_dead": "hold"} | options))  # type: ignore[arg-type]
        def follow(event: Event, ctx: Context) -> None:
            ctx.once("step", self._step)
            if not self.is_mended:
                raise PermanentError("not yet")
            self.ran.append((event.id, ctx.is_replay))

        router.on("agent.*", name="other")(lambda event, ctx: None)
        router.on("memory.*", name="elsewhere")(lambda event, ctx: None)
        self.path = EventPath(router, now=NOON)
        self.first = make_event("agent.started", id="evt_1", agentId="a")
        self.second = make_event("agent.completed", id="evt_2", agentId="a")

    def _step(self) -> None:
        self.steps += 1

    def hold_up(self) -> None:
        assert self.path.deliver(self.first).delivery("follow").state == "dead"
        assert self.path.deliver(self.second).delivery("follow").state == "parked"
        self.is_mended = True


@pytest.fixture
def agents() -> Agents:
    made = Agents()
    made.hold_up()
    return made


def states(delivered: Delivered) -> dict[tuple[str, int], str]:
    return {(one.handler, one.replay): one.state.value for one in delivered.deliveries}


def test_a_replay_that_goes_well_releases_what_was_held(agents: Agents) -> None:
    replayed = agents.path.replay(agents.first)
    assert agents.ran == [("evt_1", True), ("evt_2", False)]
    assert states(replayed) == {
        ("follow", 0): "dead",
        ("other", 0): "done",
        ("follow", 1): "done",
        ("other", 1): "done",
    }
    assert agents.path.look(agents.second).state == "done"
    assert agents.path.clock.now() == NOON


def test_a_replay_that_fails_holds_on(agents: Agents) -> None:
    agents.is_mended = False
    assert agents.path.replay("evt_1").delivery("follow", replay=1).state == "dead"
    assert agents.path.look("evt_2").delivery("follow").state == "parked"
    agents.is_mended = True
    assert agents.path.replay("evt_1").delivery("follow", replay=2).state == "done"
    assert agents.path.look("evt_2").state == "done"


def test_a_resolved_one_releases_what_it_held_and_is_not_run(agents: Agents) -> None:
    resolved = agents.path.resolve(agents.first, why="the agent is gone")
    assert agents.ran == [("evt_2", False)]
    delivery = resolved.delivery("follow")
    assert (delivery.state, delivery.resolved_why, delivery.resolved_at) == (
        "resolved",
        "the agent is gone",
        NOON,
    )
    assert resolved.state == "resolved"
    assert agents.path.look(agents.second).state == "done"


def test_a_replay_may_be_of_one_handler_or_of_what_failed(agents: Agents) -> None:
    one = agents.path.replay(agents.first, handler="other")
    assert {key for key in states(one) if key[1]} == {("other", 1)}
    failed = agents.path.replay(agents.first, only_failed=True)
    assert {key for key in states(failed) if key[1]} == {("other", 1), ("follow", 2)}


def test_steps_are_taken_again_unless_their_effects_are_kept(agents: Agents) -> None:
    agents.path.replay(agents.first, handler="follow", keep_effects=True)
    assert agents.steps == 2  # one for each event
    agents.path.replay(agents.first, handler="follow")
    assert agents.steps == 3


def test_a_replay_is_tried_again_at_its_time() -> None:
    path = EventPath(again_once(), now=NOON)
    event = make_event("ping")
    path.deliver(event)
    path.settle()
    assert path.replay(event).delivery("again", replay=1).state == "waiting"
    path.advance(seconds=60)
    assert path.look(event).delivery("again", replay=1).state == "done"


def test_a_replay_goes_behind_many_that_are_queued() -> None:
    path = EventPath(again_once())
    event = make_event("ping")
    path.deliver(event)
    path.settle()
    waiting = [make_event("ping") for _ in range(25)]
    for other in waiting:
        path.send(other)
    assert path.replay(event).times_called("again") == 3
    assert {path.look(other).times_called("again") for other in waiting} == {1}


def test_what_can_not_be_replayed_is_told(agents: Agents) -> None:
    memory = make_event("memory.stored")
    agents.path.deliver(memory)
    with pytest.raises(NothingToReplay, match="only_failed=True, and no last run"):
        agents.path.replay(memory, only_failed=True)
    with pytest.raises(NothingToReplay, match="its type is none for other"):
        agents.path.replay(memory, handler="other")
    with pytest.raises(NothingToReplay, match="not ended with it: follow;"):
        agents.path.replay(agents.second, handler="follow")
    with pytest.raises(LookupError, match="no handler 'x'; it has: follow, other, elsewhere"):
        agents.path.replay(memory, handler="x")
    with pytest.raises(LookupError, match="no event 'evt_x'"):
        agents.path.replay("evt_x")


def test_what_can_not_be_resolved_is_told(agents: Agents) -> None:
    with pytest.raises(NothingToResolve, match="event evt_2 is dead: follow is parked, other is done"):
        agents.path.resolve("evt_2")
    with pytest.raises(NothingToResolve, match=r"is dead: other is done$"):
        agents.path.resolve("evt_1", handler="other")
    with pytest.raises(LookupError, match="no delivery to 'x'; it has: follow, other"):
        agents.path.resolve("evt_1", handler="x")
    with pytest.raises(LookupError, match="no event 'evt_x'"):
        agents.path.resolve("evt_x")
    agents.path.resolve("evt_1")
    with pytest.raises(NothingToResolve, match="follow is resolved"):
        agents.path.resolve("evt_1")


def again_once() -> Router:
    router = Router()

    @router.on("ping", undocumented=True)
    def again(event: Event, ctx: Context) -> None:
        if ctx.attempt == 1:
            raise RetryLater(60)

    return router
