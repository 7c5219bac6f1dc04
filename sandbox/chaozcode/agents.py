"""Agent Endpoints: an agent is started here, ends by itself a little later, and sends agent.* webhooks.

A prompt with the word "fail" makes it fail; one with "take 5 seconds" makes it take that long, and fail where
that is more than its timeout.
"""

from typing import Any, Final, Literal

from flask import Blueprint

from sandbox.chaozcode.completion import tokens_in
from sandbox.chaozcode.door import Outbox
from sandbox.chaozcode.parameters import AtLeastOne, Parameters
from sandbox.chaozcode.request_body import read_body
from sandbox.later import Later
from sandbox.state.agents import Agent
from sandbox.state.ground import timestamp
from sandbox.world import World

AgentType = Literal["explore", "task", "code-review", "general-purpose"]

_TYPES: Final[dict[AgentType, tuple[str, list[str]]]] = {
    "explore": ("Finds its way through a codebase.", ["search", "read", "summarize"]),
    "task": ("Carries out one well-described task.", ["read", "write", "execute"]),
    "code-review": ("Reviews code for bugs, security and style.", ["read", "review"]),
    "general-purpose": ("Does what the others don't.", ["search", "read", "write", "execute"]),
}
_COST_PER_TOKEN: Final = 0.00003
_LONGEST_SUMMARY: Final = 200


class Spawn(Parameters, frozen=True):
    """Parameters of POST /agents/spawn."""

    type: AgentType
    prompt: str
    model: str = "gpt-4"
    timeout: AtLeastOne = 300


def endpoints(world: World, outbox: Outbox, later: Later) -> Blueprint:
    """Give the group's routes."""
    group = Blueprint("agents", __name__)

    def finish(agent_id: str) -> None:
        ended = world.agents.finish(agent_id)
        if ended is not None:
            outbox.emit(f"agent.{ended.status}", _event_data(ended))

    @group.post("/agents/spawn")
    def spawn() -> tuple[dict[str, Any], int]:
        asked = read_body(Spawn)
        agent = world.agents.spawn(
            kind=asked.type, prompt=asked.prompt, model=asked.model, timeout_seconds=asked.timeout
        )
        outbox.emit("agent.started", _event_data(agent))
        later.call(world.agents.seconds_to_run(agent), lambda: finish(agent.id))
        return _begun(agent), 202

    @group.get("/agents/types")
    def types() -> dict[str, Any]:
        return {
            "types": [
                {"type": kind, "description": description, "capabilities": capabilities}
                for kind, (description, capabilities) in _TYPES.items()
            ]
        }

    @group.get("/agents/<agent_id>")
    def get(agent_id: str) -> dict[str, Any]:
        agent = world.agents.get(agent_id)
        return _begun(agent) | _outcome(agent)

    @group.delete("/agents/<agent_id>")
    def cancel(agent_id: str) -> dict[str, Any]:
        return {"ok": True, **_begun(world.agents.cancel(agent_id))}

    return group


def _begun(agent: Agent) -> dict[str, Any]:
    return {
        "agentId": agent.id,
        "type": agent.type,
        "status": agent.status,
        "createdAt": timestamp(agent.started_at),
    }


def _outcome(agent: Agent) -> dict[str, Any]:
    """Give what is known once it ended: a result, or an error."""
    if agent.ended_at is None:
        return {}
    tokens = tokens_in(agent.prompt) + 100
    known: dict[str, Any] = {
        "usage": {"tokens": tokens, "cost": round(tokens * _COST_PER_TOKEN, 6)},
        "duration": round((agent.ended_at - agent.started_at).total_seconds(), 3),
    }
    if agent.status == "completed":
        summary = f"The sandbox's {agent.type} agent did: {agent.prompt[:_LONGEST_SUMMARY]}"
        known["result"] = {"summary": summary, "files": ["src/auth.py", "src/login.py"], "confidence": 0.92}
    if agent.error is not None:
        known["error"] = agent.error
    return known


def _event_data(agent: Agent) -> dict[str, Any]:
    return {"agentId": agent.id, "type": agent.type, "status": agent.status, **_outcome(agent)}
