"""The summary of an agent's result, as a memory."""

from handlers.builtin.remember_agent_result import remember_agent_result
from handlers.outcome import Skipped, Succeeded
from handlers.testing import make_event, run
from hooks_testkit import FakeChaozCode


def test_the_summary_of_the_event_is_stored(chaozcode: FakeChaozCode) -> None:
    event = make_event("agent.completed", agentId="agent_1", result={"summary": "all is well"})
    for _ in range(2):  # a replay stores it anew
        assert run(remember_agent_result, event, chaozcode=chaozcode).outcome == Succeeded()
    stored = chaozcode.client.memory.get("result-agent_1")
    assert stored.content == "all is well"
    assert stored.metadata == {"agentId": "agent_1", "eventId": event.id}


def test_an_event_without_a_summary_has_the_agent_asked_for(chaozcode: FakeChaozCode) -> None:
    agent = chaozcode.client.agents.spawn("explore", "look around")
    event = make_event("agent.completed", agentId=agent.agent_id, result="done")
    assert run(remember_agent_result, event, chaozcode=chaozcode).outcome == Succeeded()
    result = chaozcode.client.agents.get(str(agent.agent_id)).result
    assert result is not None
    assert chaozcode.client.memory.get(f"result-{agent.agent_id}").content == result.summary


def test_a_result_without_a_summary_is_skipped(chaozcode: FakeChaozCode) -> None:
    chaozcode.answers("/agents/*", {"status": "completed", "result": {"files": []}})
    event = make_event("agent.completed", agentId="agent_1")
    outcome = run(remember_agent_result, event, chaozcode=chaozcode).outcome
    assert outcome == Skipped("its result has no summary")
    assert run(remember_agent_result, make_event("agent.completed")).outcome == Skipped(
        "the event names no agent"
    )


def test_an_agent_that_nobody_knows_is_skipped(chaozcode: FakeChaozCode) -> None:
    event = make_event("agent.completed", agentId="agent_1")
    assert run(remember_agent_result, event, chaozcode=chaozcode).outcome == Skipped(
        "the agent is not there any more"
    )
