from datetime import UTC, datetime
from typing import Any

import pytest

from clients.chaozcode.memory import MemoryStats, StoredMemory
from clients.errors import InvalidCall
from tests.clients.chaozcode.one_reply import OneReply

MEMORY = {
    "id": "auth-implementation",
    "content": "Implemented OAuth2 with PKCE...",
    "score": 0.92,
    "tags": ["auth", "security"],
    "createdAt": "2026-01-29T10:00:00Z",
}


def test_a_memory_is_stored(api: OneReply) -> None:
    api.status = 201
    api.json = {"ok": True, "id": "a", "vectorId": "vec_abc123", "createdAt": "2026-01-30T12:00:00Z"}

    stored = api.client.memory.store(
        "a", "What we decided", tags=("auth", "v2"), importance="high", metadata={"by": {"name": "Jane"}}
    )

    assert api.asked == ("POST", "/v2/memory/store")
    assert api.body == {
        "id": "a",
        "content": "What we decided",
        "tags": ["auth", "v2"],
        "importance": "high",
        "metadata": {"by": {"name": "Jane"}},
    }
    at = datetime(2026, 1, 30, 12, tzinfo=UTC)
    assert stored == StoredMemory(raw=api.json, ok=True, id="a", vector_id="vec_abc123", created_at=at)


def test_a_search_is_sent_as_documented(api: OneReply) -> None:
    api.json = {"results": [MEMORY], "total": 1, "took": 23}

    found = api.client.memory.search("How do users log in?", limit=100, tags=["auth"], min_score=0.5)

    assert api.asked == ("POST", "/v2/memory/search")
    assert api.body == {"query": "How do users log in?", "limit": 100, "tags": ["auth"], "minScore": 0.5}
    assert (found.total, found.took) == (1, 23)
    (memory,) = found.results
    assert (memory.id, memory.score, memory.tags) == ("auth-implementation", 0.92, ("auth", "security"))
    assert memory.created_at == datetime(2026, 1, 29, 10, tzinfo=UTC)


def test_a_memory_is_read_by_its_id(api: OneReply) -> None:
    api.json = {**MEMORY, "importance": "high", "metadata": {"a": 1}, "version": 3}

    memory = api.client.memory.get("auth-implementation")

    assert api.asked == ("GET", "/v2/memory/auth-implementation")
    assert (memory.content, memory.importance) == ("Implemented OAuth2 with PKCE...", "high")
    assert (memory.metadata, memory.version) == ({"a": 1}, 3)
    assert memory.raw["score"] == 0.92


@pytest.mark.parametrize(
    ("memory_id", "path"),
    [
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("50%", "50%25"),
        ("%2e%2e", "%252e%252e"),
        ("Zürich 🙂", "Z%C3%BCrich%20%F0%9F%99%82"),
        ("...", "..."),
        ("a/../b", "a%2F..%2Fb"),
    ],
)
def test_an_id_is_one_segment_of_the_path_whatever_is_in_it(api: OneReply, memory_id: str, path: str) -> None:
    api.client.memory.get(memory_id)

    assert api.asked == ("GET", f"/v2/memory/{path}")


@pytest.mark.parametrize("memory_id", ["", ".", ".."])
def test_an_id_that_makes_another_path_is_refused(api: OneReply, memory_id: str) -> None:
    for call in (
        lambda: api.client.memory.get(memory_id),
        lambda: api.client.memory.delete(memory_id),
        lambda: api.client.memory.update(memory_id, content="x"),
    ):
        with pytest.raises(InvalidCall, match="id must not be"):
            call()

    assert not api.requests


def test_a_memory_named_stats_can_not_be_read_but_changed(api: OneReply) -> None:
    with pytest.raises(InvalidCall, match="id must not be 'stats' here"):
        api.client.memory.get("stats")
    api.client.memory.delete("stats")

    assert api.asked == ("DELETE", "/v2/memory/stats")


def test_a_change_sends_what_is_given_alone(api: OneReply) -> None:
    api.json = {"memory": {"id": "a", "version": 2}, "ok": True}

    memory = api.client.memory.update("a", content="", tags=())

    assert api.asked == ("PUT", "/v2/memory/a")
    assert api.body == {"content": "", "tags": []}
    assert (memory.id, memory.version, memory.raw["ok"]) == ("a", 2, True)


def test_a_change_of_nothing_is_not_sent(api: OneReply) -> None:
    with pytest.raises(InvalidCall, match="give at least one of content, tags, importance and metadata"):
        api.client.memory.update("a")


@pytest.mark.parametrize("content", [b"", b'{"ok": true}', b"true"])
def test_a_deletion_succeeds_whatever_its_reply_is(api: OneReply, content: bytes) -> None:
    api.content = content

    deleted = api.client.memory.delete("a")

    assert api.asked == ("DELETE", "/v2/memory/a")
    assert deleted.ok is (True if b"ok" in content else None)


def test_the_statistics_are_read(api: OneReply) -> None:
    api.json = {
        "vectorCount": 5234,
        "storageBytes": 52428800,
        "version": "0.4.0",
        "avgResponseMs": 8,
        "status": "healthy",
    }

    stats = api.client.memory.stats()

    assert api.asked == ("GET", "/v2/memory/stats")
    assert stats == MemoryStats(
        raw=api.json,
        vector_count=5234,
        storage_bytes=52428800,
        version="0.4.0",
        avg_response_ms=8.0,
        status="healthy",
    )


def test_a_context_is_made(api: OneReply) -> None:
    api.json = {"context": "We use OAuth2.", "memories": [MEMORY], "tokens": 5}

    context = api.client.memory.context("How do users log in?", max_tokens=4000)

    assert api.asked == ("POST", "/v2/memory/context")
    assert api.body == {"query": "How do users log in?", "maxTokens": 4000}
    assert (context.context, context.tokens) == ("We use OAuth2.", 5)
    assert context.memories[0].id == "auth-implementation"


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("store", {"id": "", "content": "x"}, "id must not be empty"),
        ("store", {"id": "a", "content": ""}, "content must not be empty"),
        ("store", {"id": "a", "content": {"a": 1}}, "content must be a text, but it is of type dict"),
        ("store", {"id": "a", "content": "\ud800"}, "a text in it is no valid Unicode"),
        ("store", {"id": "a", "content": "x", "tags": "auth"}, "tags must be a list of texts"),
        ("store", {"id": "a", "content": "x", "tags": ["a", 1]}, "each of tags must be a text, but one is"),
        (
            "store",
            {"id": "a", "content": "x", "importance": "hihg"},
            "importance must be one of low, medium, high, critical, but it is 'hihg'; did you mean 'high'?",
        ),
        ("store", {"id": "a", "content": "x", "metadata": []}, "metadata must be an object"),
        ("update", {"id": "a", "importance": "urgent"}, "importance must be one of"),
        ("search", {"query": ""}, "query must not be empty"),
        ("search", {"query": "x", "limit": 0}, "limit must be from 1 to 100, but it is 0"),
        ("search", {"query": "x", "limit": 101}, "limit must be from 1 to 100, but it is 101"),
        ("search", {"query": "x", "limit": 10**5000}, "but it is of thousands of digits"),
        ("search", {"query": "x", "limit": True}, "limit must be a whole number"),
        ("search", {"query": "x", "min_score": 1.5}, "min_score must be from 0 to 1, but it is 1.5"),
        ("context", {"query": ""}, "query must not be empty"),
        ("context", {"query": "x", "max_tokens": -1}, "max_tokens must be at least 1"),
    ],
)
def test_what_breaks_a_limit_is_not_sent(
    api: OneReply, method: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidCall) as raised:
        getattr(api.client.memory, method)(**options)

    assert message in str(raised.value)
    assert not api.requests
