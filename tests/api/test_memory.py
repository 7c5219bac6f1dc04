"""`client.memory`, against the sandbox and the description."""

import pytest

from clients.chaozcode.client import ChaozCode
from clients.chaozcode.errors import Conflict, NotFound
from tests.api.documents import parameters_of
from tests.api.wire import HeldWire

ODD_ID = "notes of 1/2: 50 % done?#ünïcode"


def test_a_memory_is_stored(chaozcode: ChaozCode, wire: HeldWire) -> None:
    stored = chaozcode.memory.store(
        "project-auth-v2",
        "Implemented OAuth2 with PKCE",
        tags=["auth", "security"],
        importance="high",
        metadata={"team": "platform"},
    )
    assert stored.ok is True
    assert stored.id == "project-auth-v2"
    assert stored.vector_id
    assert stored.created_at is not None
    assert wire.parameters_sent("POST /memory/store") == parameters_of("POST /memory/store")
    with pytest.raises(Conflict):
        chaozcode.memory.store("project-auth-v2", "again")


def test_memories_are_searched(chaozcode: ChaozCode, wire: HeldWire) -> None:
    chaozcode.memory.store("auth", "Implemented OAuth2 with PKCE", tags=["auth"])
    chaozcode.memory.store("lunch", "OAuth2 for lunch", tags=["food"])
    found = chaozcode.memory.search("OAuth2 PKCE", limit=100, tags=["auth"], min_score=0.0)
    assert [memory.id for memory in found.results] == ["auth"]
    assert found.total == 1
    assert found.took is not None
    assert found.results[0].score is not None
    assert found.results[0].tags == ("auth",)
    assert wire.parameters_sent("POST /memory/search") == parameters_of("POST /memory/search")


@pytest.mark.parametrize("memory_id", ["project-auth-v2", ODD_ID])
def test_a_memory_is_got(chaozcode: ChaozCode, memory_id: str) -> None:
    chaozcode.memory.store(memory_id, "Implemented OAuth2", tags=["auth"], importance="low")
    memory = chaozcode.memory.get(memory_id)
    assert (memory.id, memory.content, memory.tags, memory.importance) == (
        memory_id,
        "Implemented OAuth2",
        ("auth",),
        "low",
    )
    with pytest.raises(NotFound):
        chaozcode.memory.get("another")


@pytest.mark.parametrize("memory_id", ["project-auth-v2", ODD_ID])
def test_a_memory_is_updated(chaozcode: ChaozCode, memory_id: str) -> None:
    chaozcode.memory.store(memory_id, "Implemented OAuth2")
    chaozcode.memory.update(
        memory_id, content="With PKCE", tags=["auth"], importance="critical", metadata={"by": "jane"}
    )
    memory = chaozcode.memory.get(memory_id)
    assert (memory.content, memory.tags, memory.importance, memory.metadata) == (
        "With PKCE",
        ("auth",),
        "critical",
        {"by": "jane"},
    )
    with pytest.raises(NotFound):
        chaozcode.memory.update("another", content="nothing")


@pytest.mark.parametrize("memory_id", ["project-auth-v2", ODD_ID])
def test_a_memory_is_deleted(chaozcode: ChaozCode, memory_id: str) -> None:
    chaozcode.memory.store(memory_id, "Implemented OAuth2")
    chaozcode.memory.delete(memory_id)
    with pytest.raises(NotFound):
        chaozcode.memory.get(memory_id)


def test_the_statistics_count_memories(chaozcode: ChaozCode) -> None:
    before = chaozcode.memory.stats()
    chaozcode.memory.store("one", "more")
    after = chaozcode.memory.stats()
    assert before.vector_count is not None
    assert after.vector_count == before.vector_count + 1
    assert after.storage_bytes is not None
    assert after.version
    assert after.avg_response_ms is not None
    assert after.status == "healthy"


def test_a_context_is_made_of_memories(chaozcode: ChaozCode, wire: HeldWire) -> None:
    chaozcode.memory.store("auth", "Implemented OAuth2 with PKCE")
    context = chaozcode.memory.context("How was OAuth2 implemented?", max_tokens=4000)
    assert context.context is not None
    assert "Implemented OAuth2 with PKCE" in context.context
    assert wire.parameters_sent("POST /memory/context") == parameters_of("POST /memory/context")
