import pytest

from tests.sandbox.imitation import Imitation, error_of


def spawn(api: Imitation, prompt: str = "Find the login", **more: object) -> str:
    response = api.post("/agents/spawn", {"type": "explore", "prompt": prompt} | more)
    assert response.status_code == 202
    reply = response.json
    assert isinstance(reply, dict)
    agent_id = reply["agentId"]
    assert reply == {
        "agentId": agent_id,
        "type": "explore",
        "status": "running",
        "createdAt": "2026-01-30T12:00:00Z",
    }
    return str(agent_id)


def status(api: Imitation, agent_id: str) -> str:
    reply = api.get(f"/agents/{agent_id}").json
    assert isinstance(reply, dict)
    return str(reply["status"])


def test_an_agent_runs_then_completes_with_the_documented_result(api: Imitation) -> None:
    api.subscribe("agent.started", "agent.completed", "agent.failed")
    agent_id = spawn(api)
    assert api.emitted() == [("agent.started", {"agentId": agent_id, "type": "explore", "status": "running"})]
    assert status(api, agent_id) == "running"
    api.clock.pass_by(1)
    reply = api.get(f"/agents/{agent_id}").json
    assert isinstance(reply, dict)
    assert {"agentId", "type", "status", "result", "usage", "duration"} <= set(reply)
    assert (reply["status"], reply["duration"]) == ("completed", 1.0)
    assert set(reply["result"]) == {"summary", "files", "confidence"}
    assert "Find the login" in reply["result"]["summary"]
    assert set(reply["usage"]) == {"tokens", "cost"}
    event_type, data = api.emitted()[1]
    assert event_type == "agent.completed"
    assert data == {name: value for name, value in reply.items() if name != "createdAt"}


@pytest.mark.parametrize(
    ("prompt", "timeout", "error"),
    [
        ("Please FAIL", 300, "as its prompt asked for"),
        ("take 5 seconds", 2, "ran longer than 2 seconds"),
    ],
)
def test_an_agent_fails_when_asked_to_or_at_its_timeout(
    api: Imitation, prompt: str, timeout: int, error: str
) -> None:
    api.subscribe("agent.failed")
    agent_id = spawn(api, prompt, timeout=timeout)
    api.clock.pass_by(min(timeout, 1) - 0.5)
    assert status(api, agent_id) == "running"
    api.clock.pass_by(2)
    reply = api.get(f"/agents/{agent_id}").json
    assert isinstance(reply, dict)
    assert reply["status"] == "failed"
    assert error in reply["error"]
    assert "result" not in reply
    [(event_type, data)] = api.emitted()
    assert (event_type, data["error"]) == ("agent.failed", reply["error"])


def test_a_word_that_only_holds_fail_is_no_wish(api: Imitation) -> None:
    agent_id = spawn(api, "Look at the failed tests")
    api.clock.pass_by(1)
    assert status(api, agent_id) == "completed"


def test_a_cancelled_agent_stays_so_and_sends_nothing_more(api: Imitation) -> None:
    agent_id = spawn(api)
    api.subscribe("agent.completed", "agent.failed")
    for _ in range(2):
        cancelled = api.call("DELETE", f"/agents/{agent_id}")
        assert cancelled.status_code == 200
        assert isinstance(cancelled.json, dict)
        assert cancelled.json["status"] == "cancelled"
    api.clock.pass_by(10)
    assert status(api, agent_id) == "cancelled"
    assert api.emitted() == []


def test_an_agent_that_ended_cannot_be_cancelled(api: Imitation) -> None:
    agent_id = spawn(api)
    api.clock.pass_by(1)
    assert error_of(api.call("DELETE", f"/agents/{agent_id}"))["code"] == "CONFLICT"


def test_an_unknown_agent_is_not_found(api: Imitation) -> None:
    for method in ("GET", "DELETE"):
        assert error_of(api.call(method, "/agents/agent_unknown"))["code"] == "NOT_FOUND"


def test_the_documented_types_are_listed(api: Imitation) -> None:
    reply = api.get("/agents/types").json
    assert isinstance(reply, dict)
    assert [kind["type"] for kind in reply["types"]] == ["explore", "task", "code-review", "general-purpose"]
    assert all(kind["capabilities"] for kind in reply["types"])
