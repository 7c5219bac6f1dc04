"""The diagnosis of a failed agent: asked for once, stored once."""

from datetime import timedelta

from handlers import Event
from handlers.builtin.diagnose_failed_agent import diagnose_failed_agent, router
from handlers.outcome import Retried, Skipped, Succeeded
from handlers.testing import make_event, run
from hooks_testkit import FakeChaozCode, FakeChucky
from hooks_testkit.path import EventPath
from hooks_testkit.storm import Storm


def failed_agent(chaozcode: FakeChaozCode) -> Event:
    agent = chaozcode.client.agents.spawn("explore", "this will fail")
    return make_event("agent.failed", agentId=agent.agent_id, error="no disk")


def test_chuckys_answer_is_stored_as_a_memory(chaozcode: FakeChaozCode) -> None:
    chucky = FakeChucky(replies=["The disk was full."])
    event = failed_agent(chaozcode)
    assert run(diagnose_failed_agent, event, chaozcode=chaozcode, chucky=chucky).outcome == Succeeded()
    stored = chaozcode.client.memory.get(f"diagnosis-{event.subject}")
    assert stored.content == "The disk was full."
    assert stored.importance == "high"
    assert stored.tags == ("diagnosis", "agent.failed")
    asked = chucky.calls[0].body["message"]
    assert '"error": "no disk"' in asked
    assert '"status": "failed"' in asked


def test_each_step_is_taken_once_although_the_next_one_fails(chaozcode: FakeChaozCode) -> None:
    chucky = FakeChucky(replies=["The disk was full."])
    event = failed_agent(chaozcode)
    path = EventPath(router, chaozcode=chaozcode, chucky=chucky)
    chaozcode.fails(500, on="/memory/store")
    assert path.deliver(event).state == "waiting"
    path.settle()
    assert path.look(event).state == "done"
    assert [call.path for call in chucky.calls] == ["/prompt"]
    assert [call.path for call in chaozcode.calls] == [
        f"/agents/{event.subject}",
        "/memory/store",
        "/memory/store",
    ]


def test_a_budget_that_is_used_up_is_waited_for_and_no_failure(chaozcode: FakeChaozCode) -> None:
    chucky = FakeChucky()
    chucky.fails("user_budget_exhausted", window="hour")
    outcome = run(diagnose_failed_agent, failed_agent(chaozcode), chaozcode=chaozcode, chucky=chucky).outcome
    assert isinstance(outcome, Retried)
    assert timedelta(0) < outcome.delay <= timedelta(hours=1)
    assert not outcome.counted


def test_a_kill_before_any_record_leaves_one_memory(chaozcode: FakeChaozCode, chucky: FakeChucky) -> None:
    event = failed_agent(chaozcode)
    for survived in Storm(router, chaozcode=chaozcode, chucky=chucky).kill_at_each_record(event):
        assert survived.state == "done"
    assert chaozcode.client.memory.stats().vector_count == 1


def test_an_agent_that_nobody_knows_is_diagnosed_by_its_event(
    chaozcode: FakeChaozCode, chucky: FakeChucky
) -> None:
    event = make_event("agent.failed", agentId="gone", error="no disk")
    assert run(diagnose_failed_agent, event, chaozcode=chaozcode, chucky=chucky).outcome == Succeeded()
    assert "no disk" in chucky.calls[0].body["message"]


def test_without_an_agent_there_is_nothing_to_do() -> None:
    assert run(diagnose_failed_agent, make_event("agent.failed")).outcome == Skipped(
        "the event names no agent"
    )
