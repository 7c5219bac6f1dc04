"""`client.agents`, against the sandbox and the description."""

import pytest

from clients.chaozcode.client import ChaozCode
from clients.chaozcode.errors import NotFound
from tests.api.conftest import Clock
from tests.api.documents import parameters_of
from tests.api.wire import HeldWire


def test_an_agent_is_spawned(chaozcode: ChaozCode, wire: HeldWire) -> None:
    agent = chaozcode.agents.spawn("explore", "Find the authentication", model="gpt-4", timeout=60)
    assert agent.agent_id
    assert agent.type == "explore"
    assert agent.status == "running"
    assert agent.created_at is not None
    assert wire.parameters_sent("POST /agents/spawn") == parameters_of("POST /agents/spawn")


def test_an_agent_is_waited_for_and_got(chaozcode: ChaozCode, clock: Clock) -> None:
    spawned = chaozcode.agents.spawn("explore", "Find the authentication")
    assert spawned.agent_id is not None
    waited = chaozcode.agents.wait(spawned.agent_id, clock=clock.seconds, sleep=clock.pass_by)
    assert waited.status == "completed"
    assert waited.result is not None
    assert waited.result.summary
    assert waited.usage is not None
    assert waited.duration is not None
    assert chaozcode.agents.get(spawned.agent_id).raw == waited.raw
    with pytest.raises(NotFound):
        chaozcode.agents.get("agent_unknown")


def test_the_types_of_agents_are_listed(chaozcode: ChaozCode) -> None:
    types = {agent_type.type for agent_type in chaozcode.agents.types()}
    assert types == {"explore", "task", "code-review", "general-purpose"}


def test_an_agent_is_cancelled(chaozcode: ChaozCode, clock: Clock) -> None:
    spawned = chaozcode.agents.spawn("task", "Something long")
    assert spawned.agent_id is not None
    chaozcode.agents.cancel(spawned.agent_id)
    clock.pass_by(3600)
    assert chaozcode.agents.get(spawned.agent_id).status == "cancelled"
    with pytest.raises(NotFound):
        chaozcode.agents.cancel("agent_unknown")
