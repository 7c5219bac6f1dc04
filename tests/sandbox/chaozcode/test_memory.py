from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.imitation import Imitation, error_of

AUTH = {
    "id": "project-auth-v2",
    "content": "Implemented OAuth2 with PKCE",
    "tags": ["auth", "security"],
    "importance": "high",
    "metadata": {"by": "jane"},
}


def test_storing_replies_as_documented_and_sends_the_documented_event(api: Imitation) -> None:
    api.subscribe("memory.stored")
    response = api.post("/memory/store", AUTH)
    assert response.status_code == 201
    reply = response.json
    assert isinstance(reply, dict)
    assert reply.pop("vectorId").startswith("vec_")
    assert reply == {"ok": True, "id": "project-auth-v2", "createdAt": "2026-01-30T12:00:00Z"}
    assert api.emitted() == [
        (
            "memory.stored",
            {"memoryId": "project-auth-v2", "tags": ["auth", "security"], "importance": "high"},
        )
    ]


def test_an_id_that_is_taken_is_a_conflict_and_sends_nothing(api: Imitation) -> None:
    api.post("/memory/store", AUTH)
    api.subscribe("memory.stored")
    response = api.post("/memory/store", AUTH)
    assert response.status_code == 409
    assert error_of(response)["code"] == "CONFLICT"
    assert api.emitted() == []


def search(api: Imitation, query: str, **more: Any) -> list[str]:
    reply = api.post("/memory/search", {"query": query} | more).json
    assert isinstance(reply, dict)
    return [result["id"] for result in reply["results"]]


def test_a_search_replies_as_documented(api: Imitation) -> None:
    api.post("/memory/store", AUTH)
    reply = api.post("/memory/search", {"query": "how was OAuth2 implemented"}).json
    assert isinstance(reply, dict)
    assert isinstance(reply.pop("took"), int)
    assert reply == {
        "results": [
            {
                "id": "project-auth-v2",
                "content": "Implemented OAuth2 with PKCE",
                "score": 0.5,
                "tags": ["auth", "security"],
                "createdAt": "2026-01-30T12:00:00Z",
            }
        ],
        "total": 1,
    }


def test_a_search_is_limited_and_tells_how_many_there_are(api: Imitation) -> None:
    for place in range(12):
        api.post("/memory/store", {"id": f"m{place}", "content": "login"})
        api.clock.pass_by(1)
    assert len(search(api, "login")) == 10
    assert search(api, "login", limit=2) == ["m11", "m10"]
    reply = api.post("/memory/search", {"query": "login", "limit": 2}).json
    assert isinstance(reply, dict)
    assert reply["total"] == 12


@pytest.mark.parametrize("memory_id", ["plain", "a/b//c", "50 %?#ü", "stats.json", "with:colon"])
def test_a_memory_is_got_updated_and_deleted_by_its_id(api: Imitation, memory_id: str) -> None:
    path = f"/memory/{quote(memory_id, safe='')}"
    api.post("/memory/store", AUTH | {"id": memory_id})
    api.subscribe("memory.updated", "memory.deleted")
    got = api.get(path).json
    assert isinstance(got, dict)
    assert {name: got[name] for name in AUTH} == AUTH | {"id": memory_id}
    assert got["version"] == 1
    api.clock.pass_by(60)
    updated = api.call("PUT", path, {"content": "new", "tags": []}).json
    assert isinstance(updated, dict)
    assert (updated["content"], updated["tags"], updated["importance"]) == ("new", [], "high")
    assert (updated["version"], updated["updatedAt"]) == (2, "2026-01-30T12:01:00Z")
    deleted = api.call("DELETE", path)
    assert deleted.status_code == 200
    assert deleted.json == {
        "ok": True,
        "id": memory_id,
        "deletedAt": "2026-01-30T12:01:00Z",
        "recoverableUntil": "2026-03-01T12:01:00Z",
    }
    assert api.emitted() == [
        ("memory.updated", {"memoryId": memory_id, "tags": [], "importance": "high", "version": 2}),
        ("memory.deleted", {"memoryId": memory_id}),
    ]
    for response in (api.get(path), api.call("PUT", path, {}), api.call("DELETE", path)):
        assert response.status_code == 404
        assert error_of(response)["code"] == "NOT_FOUND"
    assert search(api, "new") == []


def test_the_statistics_tell_what_is_stored(api: Imitation) -> None:
    api.post("/memory/store", {"id": "a", "content": "äö"})
    api.post("/memory/store", {"id": "b", "content": "gone"})
    api.call("DELETE", "/memory/b")
    assert api.get("/memory/stats").json == {
        "vectorCount": 1,
        "storageBytes": 4,
        "version": "0.4.0",
        "avgResponseMs": 1,
        "status": "healthy",
    }


def test_a_context_holds_what_fits(api: Imitation) -> None:
    api.post("/memory/store", {"id": "long", "content": "login " * 100})
    api.post("/memory/store", {"id": "short", "content": "login"})
    small = api.post("/memory/context", {"query": "login", "maxTokens": 20}).json
    assert isinstance(small, dict)
    assert "## short\nlogin" in small["context"]
    assert [memory["id"] for memory in small["memories"]] == ["short"]
    assert 0 < small["tokens"] <= 20
    whole = api.post("/memory/context", {"query": "login"}).json
    assert isinstance(whole, dict)
    assert {memory["id"] for memory in whole["memories"]} == {"long", "short"}
