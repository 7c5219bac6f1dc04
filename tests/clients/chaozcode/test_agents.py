from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from clients.chaozcode.agents import Agents
from clients.chaozcode.client import ChaozCode
from clients.chaozcode.errors import AgentUnfinished, NotFound, RateLimited
from clients.errors import InvalidCall, LimitReached
from tests.clients.chaozcode.one_reply import KEY, OneReply

COMPLETED = {
    "agentId": "agent_abc123",
    "type": "explore",
    "status": "completed",
    "result": {"summary": "Found 5 authentication-related files...", "files": ["a.py"], "confidence": 0.92},
    "usage": {"tokens": 1523, "cost": 0.045},
    "duration": 3.2,
}
RUNNING = {"agentId": "agent_abc123", "type": "explore", "status": "running"}


def test_an_agent_is_spawned(api: OneReply) -> None:
    api.status = 202
    api.json = {**RUNNING, "createdAt": "2026-01-30T12:00:00Z"}

    agent = api.client.agents.spawn("explore", "Find what logs in", model="gpt-4", timeout=60)

    assert api.asked == ("POST", "/v2/agents/spawn")
    assert api.body == {"type": "explore", "prompt": "Find what logs in", "model": "gpt-4", "timeout": 60}
    assert (agent.agent_id, agent.type, agent.status) == ("agent_abc123", "explore", "running")
    assert not agent.is_finished


def test_an_agent_is_read_with_its_result(api: OneReply) -> None:
    api.json = COMPLETED

    agent = api.client.agents.get("agent_abc123")

    assert api.asked == ("GET", "/v2/agents/agent_abc123")
    assert agent.is_finished
    assert agent.result is not None
    assert agent.result.summary == "Found 5 authentication-related files..."
    assert (agent.result.files, agent.result.confidence) == (("a.py",), 0.92)
    assert agent.usage is not None
    assert (agent.usage.tokens, agent.usage.cost, agent.duration) == (1523, 0.045, 3.2)


@pytest.mark.parametrize(
    "reply",
    [
        ["explore", "task"],
        {"types": [{"type": "explore"}, {"type": "task"}]},
        {"agentTypes": [{"id": "explore"}, {"name": "task"}]},
    ],
)
def test_types_are_listed(api: OneReply, reply: Any) -> None:
    api.json = reply

    types = api.client.agents.types()

    assert api.asked == ("GET", "/v2/agents/types")
    assert [each.type for each in types] == ["explore", "task"]


@pytest.mark.parametrize("reply", [b"", b'{"agentId": "a", "status": "cancelled"}'])
def test_an_agent_is_cancelled(api: OneReply, reply: bytes) -> None:
    api.content = reply

    agent = api.client.agents.cancel("a/b")

    assert api.asked == ("DELETE", "/v2/agents/a%2Fb")
    assert agent.is_finished == bool(reply)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("spawn", {"type": "", "prompt": "x"}, "type must not be empty"),
        ("spawn", {"type": "task", "prompt": ""}, "prompt must not be empty"),
        ("spawn", {"type": "task", "prompt": "x", "timeout": 0}, "timeout must be at least 1, but it is 0"),
        ("spawn", {"type": "task", "prompt": "x", "timeout": 1.5}, "timeout must be a whole number"),
        ("get", {"agent_id": "types"}, "agent_id must not be 'types' here"),
        ("get", {"agent_id": "."}, "agent_id must not be '.'"),
        ("wait", {"agent_id": "types"}, "agent_id must not be 'types' here"),
        ("wait", {"agent_id": "a", "timeout_seconds": 0}, "timeout_seconds must be more than 0"),
        ("cancel", {"agent_id": ""}, "agent_id must not be empty"),
    ],
)
def test_what_breaks_a_limit_is_not_sent(
    api: OneReply, method: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidCall) as raised:
        getattr(api.client.agents, method)(**options)

    assert message in str(raised.value)
    assert not api.requests


def test_a_type_that_the_reference_does_not_name_is_sent(api: OneReply) -> None:
    api.client.agents.spawn("brand-new", "x")

    assert api.body == {"type": "brand-new", "prompt": "x"}


@dataclass
class Clock:
    """A time that passes by sleeping alone."""

    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def agents(*replies: Any, seconds_left: Callable[[], float] | None = None) -> Agents:
    """Answer with one after the other, the last one for ever; a number is a status."""
    upcoming: Iterator[Any] = iter(replies)
    last = replies[-1]

    def answer(request: httpx2.Request) -> httpx2.Response:
        reply = next(upcoming, last)
        if isinstance(reply, Exception):
            raise reply
        status, headers = reply if isinstance(reply, tuple) else (200, {})
        return httpx2.Response(status, headers=headers, json={} if status != 200 else reply)

    return ChaozCode(
        KEY, longest_wait_seconds=0, seconds_left=seconds_left, transport=httpx2.MockTransport(answer)
    ).agents


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "canceled", "FAILED", "timed_out"])
def test_an_agent_is_waited_for_until_it_has_ended_well_or_not(status: str) -> None:
    clock = Clock()

    agent = agents(RUNNING, {"agentId": "a"}, {**RUNNING, "status": status}).wait(
        "a", clock=clock, sleep=clock.sleep
    )

    assert agent.status == status
    assert len(clock.pauses) == 2


def test_the_pauses_grow_to_a_bound_and_the_wait_ends_at_its_deadline() -> None:
    clock = Clock()

    with pytest.raises(AgentUnfinished, match="the agent a is still running at the deadline") as raised:
        agents(RUNNING).wait("a", timeout_seconds=120, clock=clock, sleep=clock.sleep)

    assert (raised.value.agent_id, raised.value.status) == ("a", "running")
    assert clock.now == pytest.approx(1120.0)
    assert clock.pauses[:-1] == sorted(clock.pauses[:-1])
    assert clock.pauses[0] < 1
    assert max(clock.pauses) == 10.0


def test_what_may_pass_does_not_end_the_wait() -> None:
    clock = Clock()
    lost = httpx2.ReadError("reset")

    agent = agents((503, {}), lost, (500, {}), (502, {}), httpx2.ConnectError("refused"), COMPLETED).wait(
        "a", clock=clock, sleep=clock.sleep
    )

    assert agent.status == "completed"
    assert len(clock.pauses) == 5


def test_a_wait_that_the_api_names_is_kept_to() -> None:
    clock = Clock()

    agents((429, {"X-RateLimit-RetryAfter": "30"}), COMPLETED).wait("a", clock=clock, sleep=clock.sleep)

    assert clock.pauses == [30.0]


def test_a_wait_that_is_longer_than_the_deadline_is_left_to_the_caller() -> None:
    clock = Clock()

    with pytest.raises(RateLimited) as raised:
        agents((429, {"X-RateLimit-RetryAfter": "30"})).wait(
            "a", timeout_seconds=20, clock=clock, sleep=clock.sleep
        )

    assert raised.value.retry_after == 30.0
    assert clock.pauses == []


def test_what_can_not_pass_ends_the_wait_at_once() -> None:
    clock = Clock()

    with pytest.raises(NotFound):
        agents(RUNNING, (404, {}), COMPLETED).wait("a", clock=clock, sleep=clock.sleep)

    assert len(clock.pauses) == 1


def test_a_wait_ends_before_the_attempt_that_it_is_made_in() -> None:
    clock = Clock()

    with pytest.raises(AgentUnfinished):
        agents(RUNNING, seconds_left=lambda: 3.0).wait("a", clock=clock, sleep=clock.sleep)

    assert clock.now == pytest.approx(1003.0)


def test_our_own_limiter_holds_a_poll_back_but_does_not_end_the_wait() -> None:
    clock = Clock()
    polls = []

    class Held(Agents):
        def _get(self, agent_id: str, *, timeout_seconds: float | None = None) -> Any:
            polls.append(clock.now)
            if len(polls) == 1:
                raise LimitReached(4.0)
            return super()._get(agent_id, timeout_seconds=timeout_seconds)

    Held(agents(COMPLETED)._exchange).wait("a", clock=clock, sleep=clock.sleep)

    assert clock.pauses == [4.0]
