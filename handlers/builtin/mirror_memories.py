"""HOOKS_MIRROR_MEMORIES=table, or =memories.jsonl: mirrors memories there, deletions too."""

from datetime import UTC
from pathlib import Path

from clients.chaozcode.errors import NotFound
from clients.chaozcode.memory import Memory
from eventlog.mirrored_memories import MirroredMemory, mirror_memory
from handlers import Context, Event, Router, Skip
from handlers.json_lines import JsonLines
from handlers.settings import IN_A_TABLE, HandlerSettings
from handlers.storable import storable

router = Router()


# In order for each memory, so that what one attempt has read is not written after what a later one has.
# Events that arrive out of their order are told by `createdAt`: what is older than the mirror is left out.
@router.on("memory.stored", "memory.updated", "memory.deleted", order="strict", retries=5, dry_run=True)
def mirror_memories(event: Event, ctx: Context) -> None:
    if event.subject is None:
        raise Skip("the event names no memory")
    at = event.created_at or event.received_at
    memory = None if event.type == "memory.deleted" else _read(event.subject, ctx)
    raw = None if memory is None else dict(memory.raw)

    place = HandlerSettings().mirror_memories or IN_A_TABLE
    if place != IN_A_TABLE:
        if not ctx.is_dry_run:
            moment = at.astimezone(UTC).isoformat(timespec="microseconds")
            JsonLines(Path(place), about="memoryId").append(
                event.subject, event.id, moment, {"deleted": memory is None, "memory": raw}
            )
        return
    with ctx.transaction() as session:
        mirror_memory(
            session,
            MirroredMemory(
                memory_id=event.subject,
                # PostgreSQL's text can't hold all that JSON can.
                content=storable(memory.content, len(memory.content)) if memory and memory.content else None,
                memory=raw,
                deleted_at=at if memory is None else None,
                as_of=at,
                event_id=event.id,
            ),
        )


def _read(memory_id: str, ctx: Context) -> Memory | None:
    """Give the memory as it is now: the event does not hold its content. None where it was deleted since."""
    try:
        return ctx.chaozcode.memory.get(memory_id)
    except NotFound as error:
        if error.code is None:  # a 404 that ChaozCode did not send, as where its URL is set wrongly
            raise
        return None
