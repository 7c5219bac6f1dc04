"""HOOKS_DIAGNOSE_FAILED_AGENT=true: asks Chucky why an agent failed, and stores its answer as a memory."""

import json

from clients.chaozcode.errors import Conflict, NotFound
from handlers import Context, Event, Router, Skip

router = Router()

_TAGS = ("diagnosis", "agent.failed")
_MOST_CHARACTERS = 20_000
_QUESTION = (
    "An AI agent has failed. Say in a few sentences why it probably did, and what to do about it."
    " This is all that is known of it, as JSON:\n\n{known}"
)


# Each step is taken once, also when a later one fails and the handler is called again. A limit or a budget
# that is used up is no failure: the handler is called again when the API has said that it may be.
@router.on("agent.failed", retries=5, timeout=120, dry_run=True)
def diagnose_failed_agent(event: Event, ctx: Context) -> None:
    agent_id = event.subject
    if agent_id is None:
        raise Skip("the event names no agent")

    def look() -> dict[str, object]:
        try:
            return dict(ctx.chaozcode.agents.get(agent_id).raw)
        except NotFound:  # what the event says of it has to do
            return {}

    def ask() -> str:
        known = json.dumps({"event": event.data, "agent": agent}, ensure_ascii=False)
        return ctx.chucky.prompt(_QUESTION.format(known=known[:_MOST_CHARACTERS]), max_turns=1).text

    def store() -> str:
        memory_id, known = f"diagnosis-{agent_id}", {"agentId": agent_id, "eventId": event.id}
        try:
            ctx.chaozcode.memory.store(memory_id, answer, tags=_TAGS, importance="high", metadata=known)
        except Conflict:  # stored by an attempt that did not hear of it, or before a replay
            ctx.chaozcode.memory.update(memory_id, content=answer, metadata=known)
        return memory_id

    agent = ctx.once("look", look)
    answer = ctx.once("ask", ask)
    memory_id = ctx.once("store", store)
    ctx.log.info("agent_diagnosed", agent=agent_id, memory=memory_id)
