"""ChaozCode's memories as they are known here: the newest state of each, and which were deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from eventlog.tables import mirrored_memories

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_COLUMNS = mirrored_memories.c


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredMemory:
    """One memory."""

    memory_id: str
    content: str | None
    """None of a deleted one, and where the API gave none."""
    memory: Mapping[str, Any] | None
    """As the API gave it; None of a deleted one."""
    deleted_at: datetime | None
    as_of: datetime
    """Of the newest event about it."""
    event_id: str


def mirror_memory(session: "Session", new: MirroredMemory) -> bool:
    """Keep this state of a memory, unless a newer one is known; tells whether it was kept."""
    known = session.execute(
        select(_COLUMNS.as_of).where(_COLUMNS.memory_id == new.memory_id).with_for_update()
    ).scalar_one_or_none()
    if known is not None and known > new.as_of:
        return False
    values = {
        "memory_id": new.memory_id,
        "content": new.content,
        "memory": new.memory,
        "deleted_at": new.deleted_at,
        "as_of": new.as_of,
        "event_id": new.event_id,
    }
    if known is None:
        session.execute(insert(mirrored_memories).values(**values))
    else:
        session.execute(update(mirrored_memories).where(_COLUMNS.memory_id == new.memory_id).values(**values))
    return True


def read_mirrored_memory(session: "Session", memory_id: str) -> MirroredMemory | None:
    """Give what is known of a memory."""
    row = session.execute(select(mirrored_memories).where(_COLUMNS.memory_id == memory_id)).one_or_none()
    return None if row is None else MirroredMemory(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
