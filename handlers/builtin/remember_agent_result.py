"""HOOKS_REMEMBER_AGENT_RESULT=true: stores the summary of a completed agent's result as a memory."""

from collections.abc import Mapping

from clients.chaozcode.errors import Conflict, NotFound
from handlers import Context, Event, Router, Skip

router = Router()


@router.on("agent.completed", retries=5, timeout=30, dry_run=True)
def remember_agent_result(event: Event, ctx: Context) -> None:
    agent_id = event.subject
    if agent_id is None:
        raise Skip("the event names no agent")

    def look() -> str | None:
        try:
            return _summary(ctx.chaozcode.agents.get(agent_id).raw)
        except NotFound:
            raise Skip("the agent is not there any more") from None

    # What the event holds is not documented: the API is asked where it has no summary.
    summary = _summary(event.data) or ctx.once("look", look)
    if not summary:
        raise Skip("its result has no summary")

    def store() -> str:
        memory_id, known = f"result-{agent_id}", {"agentId": agent_id, "eventId": event.id}
        try:
            ctx.chaozcode.memory.store(memory_id, summary, tags=["agent.completed"], metadata=known)
        except Conflict:  # stored by an attempt that did not hear of it, or before a replay
            ctx.chaozcode.memory.update(memory_id, content=summary, metadata=known)
        return memory_id

    ctx.log.info("agent_result_remembered", agent=agent_id, memory=ctx.once("store", store))


def _summary(agent: Mapping[str, object]) -> str | None:
    result = agent.get("result")
    summary = result.get("summary") if isinstance(result, Mapping) else None
    return summary if isinstance(summary, str) else None
