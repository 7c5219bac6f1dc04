"""`client.agents`: AI agents and their tasks ("Agent Endpoints")."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

from clients.errors import ApiError, InvalidCall, TryLater
from clients.limits import check_count, check_id, check_text, given
from clients.reply import Reply, named

from .errors import AgentUnfinished
from .listing import Listing
from .undocumented import read_loosely

if TYPE_CHECKING:
    from clients.exchange import Exchange

FINISHED: Final = frozenset(
    {
        *("completed", "complete", "succeeded", "success", "done", "finished"),
        *("failed", "failure", "error", "errored", "timeout", "timed_out", "timed-out", "expired"),
        *("cancelled", "canceled", "aborted", "stopped", "terminated"),
    }
)
"""Only "running" and "completed" are documented."""

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0
_GROWTH: Final = 1.5
_LONGEST_POLL_SECONDS: Final = 30.0
"""One that hangs must not take up the whole wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUsage(Reply):
    """What an agent took."""

    tokens: int | None = None
    cost: float | None = None
    """The currency is not documented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentResult(Reply):
    """What an agent found; the elements of `files` are not documented."""

    summary: str | None = None
    files: tuple[Any, ...] = ()
    confidence: float | None = None
    """From 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent(Reply):
    """An agent; of those that run, the reply has no result yet."""

    agent_id: str | None = field(default=None, metadata=named("agentId", "id"))
    type: str | None = None
    status: str | None = None
    result: AgentResult | None = None
    usage: AgentUsage | None = None
    duration: float | None = None
    """Seconds, by the example."""
    error: str | None = None
    """Not documented."""
    created_at: datetime | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it has ended, well or not."""
        return self.status is not None and self.status.lower() in FINISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentType(Reply):
    """A type of agent; the reply is not documented, so that any field may be None or empty."""

    type: str | None = field(default=None, metadata=named("type", "id", "name"))
    name: str | None = None
    description: str | None = None
    capabilities: tuple[str, ...] = ()


class Agents:
    """`client.agents`."""

    def __init__(self, exchange: "Exchange", *, seconds_left: Callable[[], float] | None = None) -> None:
        """`seconds_left` bounds `wait`, as it bounds each call."""
        self._exchange = exchange
        self._seconds_left = seconds_left

    def spawn(
        self,
        type: str,  # noqa: A002 - as documented
        prompt: str,
        *,
        model: str | None = None,
        timeout: int | None = None,
    ) -> Agent:
        """Set an agent to a task: `POST /agents/spawn`.

        `type` is explore, task, code-review, general-purpose, or what else `types` lists; `timeout` is in
        seconds (ChaozCode's default is 300).
        """
        check_text("type", type)
        check_text("prompt", prompt)
        check_text("model", model, required=False)
        check_count("timeout", timeout)
        body = given(type=type, prompt=prompt, model=model, timeout=timeout)
        return Agent.from_json(self._exchange.call("POST", ("agents", "spawn"), body=body))

    def get(self, agent_id: str) -> Agent:
        """Give an agent's state and result: `GET /agents/{agentId}`.

        Raises `InvalidCall` for the id "types", whose path is that of `types`.
        """
        return self._get(agent_id)

    def types(self) -> Listing[AgentType]:
        """List the types of agents and what they can do: `GET /agents/types`."""
        reply = self._exchange.call("GET", ("agents", "types"))
        return Listing[AgentType].of(AgentType, reply, "types", text_as="type")

    def cancel(self, agent_id: str) -> Agent:
        """Cancel an agent that runs: `DELETE /agents/{agentId}`."""
        check_id("agent_id", agent_id)
        return read_loosely(Agent, self._exchange.call("DELETE", ("agents", agent_id)), "agent")

    def wait(
        self,
        agent_id: str,
        *,
        timeout_seconds: float = 300.0,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], object] = sleep,
    ) -> Agent:
        """Ask for an agent, with growing pauses, until it has ended, and give it: well or not tells `status`.

        Raises `AgentUnfinished` after `timeout_seconds`. What a repeat may mend does not end it, unless the
        API names a time after that: then the `TryLater` is raised at once. In a handler it ends before the
        attempt does.
        """
        if not timeout_seconds > 0:
            raise InvalidCall(f"timeout_seconds must be more than 0, but it is {timeout_seconds}")
        bound = timeout_seconds if self._seconds_left is None else min(timeout_seconds, self._seconds_left())
        deadline = clock() + bound
        pause, status = _FIRST_PAUSE_SECONDS, None
        while (left := deadline - clock()) > 0:
            named_pause = 0.0
            try:
                agent = self._get(agent_id, timeout_seconds=min(left, _LONGEST_POLL_SECONDS))
            except ApiError as error:
                if error.permanent or not (error.is_transient or isinstance(error, TryLater)):
                    raise
                named_pause = error.retry_after or 0.0
                if isinstance(error, TryLater) and named_pause >= deadline - clock():
                    raise
            else:
                if agent.is_finished:
                    return agent
                status = agent.status
            sleep(max(min(max(pause, named_pause), deadline - clock()), 0.0))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE_SECONDS)
        raise AgentUnfinished(agent_id, status)

    def _get(self, agent_id: str, *, timeout_seconds: float | None = None) -> Agent:
        check_id("agent_id", agent_id, taken={"types"})
        reply = self._exchange.call("GET", ("agents", agent_id), timeout_seconds=timeout_seconds)
        return Agent.from_json(reply)
