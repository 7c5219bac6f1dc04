"""Agents: started, then completed, failed or cancelled."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from sandbox.state.conflict import Clash, NoSuchThing
from sandbox.state.ground import Ground

Status = Literal["running", "completed", "failed", "cancelled"]

_ASKED_TO_FAIL: Final = re.compile(r"\bfail\b", re.IGNORECASE)
_ASKED_TO_TAKE: Final = re.compile(r"\btake (\d{1,4}(?:\.\d{1,3})?) seconds?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent, as it is now; a change makes another."""

    id: str
    type: str
    prompt: str
    model: str
    timeout_seconds: int
    status: Status = "running"
    error: str | None = None
    started_at: datetime
    ended_at: datetime | None = None


class Agents:
    """All agents, by their id."""

    def __init__(self, ground: Ground, *, run_seconds: float) -> None:
        """`run_seconds` is how long an agent takes whose prompt does not say otherwise."""
        self._ground = ground
        self._run_seconds = run_seconds
        self._agents: dict[str, Agent] = {}

    def spawn(self, *, kind: str, prompt: str, model: str, timeout_seconds: int) -> Agent:
        with self._ground.lock:
            agent = Agent(
                id=self._ground.new_id("agent"),
                type=kind,
                prompt=prompt,
                model=model,
                timeout_seconds=timeout_seconds,
                started_at=self._ground.now(),
            )
            self._agents[agent.id] = agent
            return agent

    def seconds_to_run(self, agent: Agent) -> float:
        """Tell when to call `finish`: after what its prompt asks for, but at its timeout at the latest."""
        return min(self._wished_seconds(agent), agent.timeout_seconds)

    def finish(self, agent_id: str) -> Agent | None:
        """Let a running agent end, well or not; None where it no longer runs."""
        with self._ground.lock:
            agent = self._agents.get(agent_id)
            if agent is None or agent.status != "running":
                return None
            error = self._error_of(agent)
            self._agents[agent_id] = ended = replace(
                agent,
                status="failed" if error else "completed",
                error=error,
                ended_at=self._ground.now(),
            )
            return ended

    def get(self, agent_id: str) -> Agent:
        with self._ground.lock:
            agent = self._agents.get(agent_id)
        if agent is None:
            raise NoSuchThing("agent", agent_id)
        return agent

    def cancel(self, agent_id: str) -> Agent:
        """End a running agent; raises `Clash` where it ended by itself. To cancel twice is as once."""
        with self._ground.lock:
            agent = self.get(agent_id)
            if agent.status in {"completed", "failed"}:
                raise Clash(f"the agent {agent_id} has {agent.status} already, so it can't be cancelled")
            if agent.status == "running":
                agent = replace(agent, status="cancelled", ended_at=self._ground.now())
                self._agents[agent_id] = agent
            return agent

    def all(self) -> tuple[Agent, ...]:
        with self._ground.lock:
            return tuple(self._agents.values())

    def _wished_seconds(self, agent: Agent) -> float:
        asked = _ASKED_TO_TAKE.search(agent.prompt)
        return float(asked[1]) if asked else self._run_seconds

    def _error_of(self, agent: Agent) -> str | None:
        if self._wished_seconds(agent) > agent.timeout_seconds:
            return f"The task ran longer than {agent.timeout_seconds} seconds."
        if _ASKED_TO_FAIL.search(agent.prompt):
            return "The agent failed, as its prompt asked for."
        return None
