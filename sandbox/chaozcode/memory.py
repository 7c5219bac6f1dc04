"""Memory Endpoints: what is stored, updated and deleted here sends memory.* webhooks."""

from typing import Annotated, Any, Final

from flask import Blueprint
from msgspec import UNSET, Meta, UnsetType, field

from sandbox.chaozcode.completion import tokens_in
from sandbox.chaozcode.door import Outbox
from sandbox.chaozcode.parameters import AtLeastOne, Changes, Importance, NotEmpty, Parameters, Share
from sandbox.chaozcode.relevance import find
from sandbox.chaozcode.request_body import read_body
from sandbox.state.ground import timestamp
from sandbox.state.memories import RECOVERABLE_FOR, Memory
from sandbox.world import World

_VERSION: Final = "0.4.0"


class Store(Parameters, frozen=True):
    """Parameters of POST /memory/store."""

    id: NotEmpty
    content: str
    tags: tuple[str, ...] = ()
    importance: Importance = "medium"
    metadata: dict[str, Any] = field(default_factory=dict)


class Search(Parameters, frozen=True):
    """Parameters of POST /memory/search."""

    query: str
    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    tags: tuple[str, ...] = ()
    min_score: Share = 0.0


class Context(Parameters, frozen=True):
    """Parameters of POST /memory/context."""

    query: str
    max_tokens: AtLeastOne = 4000


class Update(Changes, frozen=True):
    """What PUT /memory/{id} may change; not documented, so what can be stored."""

    content: str | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    importance: Importance | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


def endpoints(world: World, outbox: Outbox) -> Blueprint:
    """Give the group's routes."""
    group = Blueprint("memory", __name__)

    @group.post("/memory/store")
    def store() -> tuple[dict[str, Any], int]:
        given = read_body(Store)
        stored = world.memories.store(
            given.id,
            content=given.content,
            tags=given.tags,
            importance=given.importance,
            metadata=given.metadata,
        )
        outbox.emit("memory.stored", _event_data(stored))
        return {
            "ok": True,
            "id": stored.id,
            "vectorId": stored.vector_id,
            "createdAt": timestamp(stored.created_at),
        }, 201

    @group.post("/memory/search")
    def search() -> dict[str, Any]:
        begun = world.ground.now()
        asked = read_body(Search)
        found = find(asked.query, world.memories.all(), tags=asked.tags, min_score=asked.min_score)
        return {
            "results": [
                {
                    "id": one.memory.id,
                    "content": one.memory.content,
                    "score": one.score,
                    "tags": list(one.memory.tags),
                    "createdAt": timestamp(one.memory.created_at),
                }
                for one in found[: asked.limit]
            ],
            "total": len(found),
            "took": max(0, round((world.ground.now() - begun).total_seconds() * 1000)),
        }

    @group.get("/memory/stats")
    def stats() -> dict[str, Any]:
        memories = world.memories.all()
        return {
            "vectorCount": len(memories),
            "storageBytes": sum(len(memory.content.encode()) for memory in memories),
            "version": _VERSION,
            "avgResponseMs": 1,
            "status": "healthy",
        }

    @group.post("/memory/context")
    def context() -> dict[str, Any]:
        asked = read_body(Context)
        left = asked.max_tokens
        parts: list[str] = []
        used: list[dict[str, Any]] = []
        for one in find(asked.query, world.memories.all()):
            part = f"## {one.memory.id}\n{one.memory.content}"
            if (tokens := tokens_in(f"{part}\n\n")) > left:
                continue
            left -= tokens
            parts.append(part)
            used.append({"id": one.memory.id, "score": one.score, "tokens": tokens})
        return {"context": "\n\n".join(parts), "memories": used, "tokens": asked.max_tokens - left}

    @group.get("/memory/<path:memory_id>")
    def get(memory_id: str) -> dict[str, Any]:
        return _described(world.memories.get(memory_id))

    @group.put("/memory/<path:memory_id>")
    def update(memory_id: str) -> dict[str, Any]:
        updated = world.memories.update(memory_id, read_body(Update).given())
        outbox.emit("memory.updated", _event_data(updated) | {"version": updated.version})
        return {"ok": True, **_described(updated)}

    @group.delete("/memory/<path:memory_id>")
    def delete(memory_id: str) -> dict[str, Any]:
        deleted = world.memories.delete(memory_id)
        outbox.emit("memory.deleted", {"memoryId": deleted.id})
        at = deleted.deleted_at or world.ground.now()
        return {
            "ok": True,
            "id": deleted.id,
            "deletedAt": timestamp(at),
            "recoverableUntil": timestamp(at + RECOVERABLE_FOR),
        }

    return group


def _event_data(memory: Memory) -> dict[str, Any]:
    return {"memoryId": memory.id, "tags": list(memory.tags), "importance": memory.importance}


def _described(memory: Memory) -> dict[str, Any]:
    return {
        "id": memory.id,
        "content": memory.content,
        "tags": list(memory.tags),
        "importance": memory.importance,
        "metadata": dict(memory.metadata),
        "vectorId": memory.vector_id,
        "version": memory.version,
        "createdAt": timestamp(memory.created_at),
        "updatedAt": timestamp(memory.updated_at),
    }
