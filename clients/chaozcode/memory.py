"""`client.memory`: the Memory Spine ("Memory Endpoints")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from clients.limits import (
    check_choice,
    check_count,
    check_id,
    check_number,
    check_object,
    check_text,
    check_texts,
    given,
    require_some,
)
from clients.reply import Reply, named

from .undocumented import Acknowledged, read_loosely

if TYPE_CHECKING:
    from clients.exchange import Exchange

IMPORTANCE: Final = ("low", "medium", "high", "critical")
SEARCH_LIMIT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMemory(Reply):
    """The reply to a memory that was stored."""

    ok: bool | None = None
    id: str | None = None
    vector_id: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Reply):
    """A memory; the reply is not documented, so that any field may be None."""

    id: str | None = field(default=None, metadata=named("id", "memoryId"))
    content: str | None = None
    tags: tuple[str, ...] = ()
    importance: str | None = None
    metadata: Mapping[str, Any] | None = None
    vector_id: str | None = None
    version: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMemory(Memory):
    """A memory that a search found."""

    score: float | None = None
    """How similar it is, from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResults(Reply):
    """What a search found."""

    results: tuple[FoundMemory, ...] = ()
    total: int | None = None
    took: float | None = None
    """How long it took; the unit is not documented, and is milliseconds by the example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryStats(Reply):
    """The state of the Memory Spine."""

    vector_count: int | None = None
    storage_bytes: int | None = None
    version: str | None = None
    avg_response_ms: float | None = None
    status: str | None = None
    """As "healthy"; the others are not documented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryContext(Reply):
    """A context for a prompt; the reply is not documented, so that any field may be None."""

    context: str | None = field(default=None, metadata=named("context", "text", "content"))
    memories: tuple[FoundMemory, ...] = field(default=(), metadata=named("memories", "results", "sources"))
    tokens: int | None = field(default=None, metadata=named("tokens", "tokenCount", "totalTokens"))


class MemorySpine:
    """`client.memory`."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    def store(
        self,
        id: str,  # noqa: A002 - as documented
        content: str,
        *,
        tags: Sequence[str] | None = None,
        importance: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> StoredMemory:
        """Store a new memory under an id of your own: `POST /memory/store`.

        `content` is text, JSON or markdown; `importance` is low, medium, high or critical. Raises `Conflict`
        where the id is taken, which may be by an earlier try whose reply was lost: that is not repeated here.
        """
        check_text("id", id)
        check_text("content", content)
        body = {"id": id, **_fields(content, tags, importance, metadata)}
        return StoredMemory.from_json(self._exchange.call("POST", ("memory", "store"), body=body))

    def search(
        self,
        query: str,
        *,
        limit: int | None = None,
        tags: Sequence[str] | None = None,
        min_score: float | None = None,
    ) -> SearchResults:
        """Search memories by their meaning: `POST /memory/search`.

        `limit` is from 1 to 100 (ChaozCode's default is 10), `min_score` from 0 to 1; `tags` filter.
        """
        check_text("query", query)
        check_count("limit", limit, most=SEARCH_LIMIT)
        check_texts("tags", tags)
        check_number("min_score", min_score, least=0.0, most=1.0)
        body = given(query=query, limit=limit, tags=tags, minScore=min_score)
        reply = self._exchange.call("POST", ("memory", "search"), body=body, idempotent=True)
        return SearchResults.from_json(reply)

    def get(self, id: str) -> Memory:  # noqa: A002 - as documented
        """Give one memory: `GET /memory/{id}`.

        Raises `NotFound` where there is none, and `InvalidCall` for the id "stats", whose path is that of
        `stats`.
        """
        check_id("id", id, taken={"stats"})
        return read_loosely(Memory, self._exchange.call("GET", ("memory", id)), "memory")

    def update(
        self,
        id: str,  # noqa: A002 - as documented
        *,
        content: str | None = None,
        tags: Sequence[str] | None = None,
        importance: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Memory:
        """Change a memory, which makes a new version of it: `PUT /memory/{id}`.

        What is not given is not sent; which fields it takes is not documented, and these are `store`'s.
        """
        check_id("id", id)
        body = _fields(content, tags, importance, metadata)
        require_some(body, "content, tags, importance and metadata")
        return read_loosely(Memory, self._exchange.call("PUT", ("memory", id), body=body), "memory")

    def delete(self, id: str) -> Acknowledged:  # noqa: A002 - as documented
        """Delete a memory, which ChaozCode can recover within 30 days: `DELETE /memory/{id}`."""
        check_id("id", id)
        return read_loosely(Acknowledged, self._exchange.call("DELETE", ("memory", id)), "memory")

    def stats(self) -> MemoryStats:
        """Give the state of the Memory Spine: `GET /memory/stats`."""
        return MemoryStats.from_json(self._exchange.call("GET", ("memory", "stats")))

    def context(self, query: str, *, max_tokens: int | None = None) -> MemoryContext:
        """Make a context for a prompt, of what concerns a task or question: `POST /memory/context`.

        `max_tokens` is at least 1 (ChaozCode's default is 4000).
        """
        check_text("query", query)
        check_count("max_tokens", max_tokens)
        body = given(query=query, maxTokens=max_tokens)
        reply = self._exchange.call("POST", ("memory", "context"), body=body, idempotent=True)
        return read_loosely(MemoryContext, reply, "context")


def _fields(
    content: str | None,
    tags: Sequence[str] | None,
    importance: str | None,
    metadata: Mapping[str, Any] | None,
) -> dict[str, Any]:
    check_text("content", content, required=False)
    check_texts("tags", tags)
    check_choice("importance", importance, IMPORTANCE)
    check_object("metadata", metadata)
    return given(
        content=content,
        tags=tags,
        importance=importance,
        metadata=metadata,
    )
