"""Memories: each change is a new version, and a deleted one can be recovered for 30 days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.state.conflict import Clash, NoSuchThing
from sandbox.state.ground import Ground

RECOVERABLE_FOR: Final = timedelta(days=30)
"""As documented for DELETE /memory/{id}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One version of a memory."""

    id: str
    vector_id: str
    content: str
    tags: tuple[str, ...] = ()
    importance: str = "medium"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


class Memories:
    """All memories, by their id, each with all its versions."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._versions: dict[str, list[Memory]] = {}

    def store(
        self,
        memory_id: str,
        *,
        content: str,
        tags: Sequence[str] = (),
        importance: str = "medium",
        metadata: Mapping[str, Any] | None = None,
    ) -> Memory:
        """Keep a new memory; raises `Clash` where its id is taken.

        The id of a deleted one is free again, which the reference leaves open.
        """
        with self._ground.lock:
            self._drop_what_is_past_recovery()
            if self._living(memory_id) is not None:
                raise Clash(f"there is already a memory {memory_id[:255]!r}; update it by PUT")
            now = self._ground.now()
            stored = Memory(
                id=memory_id,
                vector_id=self._ground.new_id("vec"),
                content=content,
                tags=tuple(tags),
                importance=importance,
                metadata=metadata or {},
                created_at=now,
                updated_at=now,
            )
            self._versions[memory_id] = [stored]
            return stored

    def get(self, memory_id: str) -> Memory:
        with self._ground.lock:
            living = self._living(memory_id)
        if living is None:
            raise NoSuchThing("memory", memory_id)
        return living

    def update(self, memory_id: str, changes: Mapping[str, Any]) -> Memory:
        """Add a version, whose fields are those of the last one but for the changes."""
        with self._ground.lock:
            last = self.get(memory_id)
            fields = {**changes, "version": last.version + 1, "updated_at": self._ground.now()}
            self._versions[memory_id].append(replace(last, **fields))
            return self._versions[memory_id][-1]

    def delete(self, memory_id: str) -> Memory:
        """Delete it, so that `restore` can bring it back for 30 days."""
        with self._ground.lock:
            last = self.get(memory_id)
            self._versions[memory_id][-1] = replace(last, deleted_at=self._ground.now())
            return self._versions[memory_id][-1]

    def restore(self, memory_id: str) -> Memory:
        """Bring a deleted one back; the reference says that it is possible, but not by which call."""
        with self._ground.lock:
            self._drop_what_is_past_recovery()
            versions = self._versions.get(memory_id)
            if versions is None:
                raise NoSuchThing("memory", memory_id)
            versions[-1] = replace(versions[-1], deleted_at=None)
            return versions[-1]

    def versions(self, memory_id: str) -> tuple[Memory, ...]:
        """Give all versions of a memory, the oldest first, also of a deleted one."""
        with self._ground.lock:
            return tuple(self._versions.get(memory_id, ()))

    def all(self) -> tuple[Memory, ...]:
        """Give the newest version of each that is not deleted."""
        with self._ground.lock:
            return tuple(
                last for versions in self._versions.values() if not (last := versions[-1]).deleted_at
            )

    def _living(self, memory_id: str) -> Memory | None:
        versions = self._versions.get(memory_id)
        return versions[-1] if versions and versions[-1].deleted_at is None else None

    def _drop_what_is_past_recovery(self) -> None:
        since = self._ground.now() - RECOVERABLE_FOR
        gone = [
            memory_id
            for memory_id, versions in self._versions.items()
            if (deleted := versions[-1].deleted_at) is not None and deleted < since
        ]
        for memory_id in gone:
            del self._versions[memory_id]
