from typing import Any

import pytest

from tests.sandbox.imitation import Imitation, error_of

REQUIRED: list[tuple[str, dict[str, Any]]] = [
    ("/query", {"prompt": "p"}),
    ("/query/stream", {"prompt": "p"}),
    ("/query/chat", {"messages": []}),
    ("/memory/store", {"id": "i", "content": "c"}),
    ("/memory/search", {"query": "q"}),
    ("/memory/context", {"query": "q"}),
    ("/codebase/analyze", {"files": []}),
    ("/codebase/generate", {"task": "t"}),
    ("/codebase/review", {"code": "c"}),
    ("/codebase/fix", {"code": "c"}),
    ("/agents/spawn", {"type": "task", "prompt": "p"}),
    ("/projects", {"name": "n"}),
    ("/webhooks", {"url": "https://receiver.example/", "events": ["memory.stored"]}),
]


@pytest.mark.parametrize(
    ("path", "body", "field"), [(path, body, field) for path, body in REQUIRED for field in body]
)
def test_a_required_field_that_is_missing_is_named(
    api: Imitation, path: str, body: dict[str, Any], field: str
) -> None:
    assert api.post(path, body).status_code in {200, 201, 202}
    without = {name: value for name, value in body.items() if name != field}
    response = api.post(path, without | {"unknown": 1})
    assert response.status_code == 400
    error = error_of(response)
    assert error["code"] == "INVALID_REQUEST"
    assert error["message"] == f"The request body is missing required field '{field}'"
    assert error["details"] == {"field": field, "reason": "required"}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("/query", {"prompt": 1}, "prompt"),
    ("/query", {"prompt": None}, "prompt"),
    ("/query", {"prompt": "x" * 100_001}, "prompt"),
    ("/query", {"prompt": "p", "model": "gpt-5"}, "model"),
    ("/query", {"prompt": "p", "systemPrompt": 1}, "systemPrompt"),
    ("/query", {"prompt": "p", "temperature": 2.01}, "temperature"),
    ("/query", {"prompt": "p", "temperature": -0.01}, "temperature"),
    ("/query", {"prompt": "p", "temperature": "0.7"}, "temperature"),
    ("/query", {"prompt": "p", "temperature": True}, "temperature"),
    ("/query", {"prompt": "p", "maxTokens": 0}, "maxTokens"),
    ("/query", {"prompt": "p", "maxTokens": 1.5}, "maxTokens"),
    ("/query", {"prompt": "p", "topP": 1.1}, "topP"),
    ("/query", {"prompt": "p", "stop": "x"}, "stop"),
    ("/query", {"prompt": "p", "stop": [1]}, "stop[0]"),
    ("/query", {"prompt": "p", "stream": "yes"}, "stream"),
    ("/query", {"prompt": "p", "context": []}, "context"),
    ("/query", {"prompt": "p", "max_tokens": 1}, "max_tokens"),
    ("/query/chat", {"messages": {}}, "messages"),
    ("/query/chat", {"messages": [{"role": "robot", "content": ""}]}, "messages[0].role"),
    ("/memory/store", {"id": "", "content": "c"}, "id"),
    ("/memory/store", {"id": "i", "content": "c", "tags": "a"}, "tags"),
    ("/memory/store", {"id": "i", "content": "c", "importance": "huge"}, "importance"),
    ("/memory/store", {"id": "i", "content": "c", "metadata": []}, "metadata"),
    ("/memory/search", {"query": "q", "limit": 0}, "limit"),
    ("/memory/search", {"query": "q", "limit": 101}, "limit"),
    ("/memory/search", {"query": "q", "minScore": 1.5}, "minScore"),
    ("/codebase/analyze", {"files": [], "depth": "bottomless"}, "depth"),
    ("/codebase/analyze", {"files": [{"path": 1, "content": ""}]}, "files[0].path"),
    ("/codebase/review", {"code": "c", "focus": ["beauty"]}, "focus[0]"),
    ("/codebase/generate", {"task": "t", "style": "nice"}, "style"),
    ("/agents/spawn", {"type": "spy", "prompt": "p"}, "type"),
    ("/agents/spawn", {"type": "task", "prompt": "p", "timeout": 0}, "timeout"),
    ("/agents/spawn", {"type": "task", "prompt": "p", "timeout": "5"}, "timeout"),
    ("/projects", {"name": "n", "settings": 1}, "settings"),
    ("/user/api-keys", {"type": "master"}, "type"),
    ("/user/api-keys", {"type": "development", "endpoints": ["GET /models"]}, "endpoints"),
]


@pytest.mark.parametrize(("path", "body", "field"), WRONG)
def test_a_field_that_is_not_as_documented_is_named(
    api: Imitation, path: str, body: dict[str, Any], field: str
) -> None:
    response = api.post(path, body)
    assert response.status_code == 422
    error = error_of(response)
    assert error["code"] == "VALIDATION_ERROR"
    assert error["details"]["field"] == field
    assert error["details"]["reason"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"prompt=x",
        b"[]",
        b'"text"',
        b"null",
        b'{"prompt": "x"',
        b"\xff",
        b'{"prompt": "\xff"}',
        b"[" * 9_000,
        b'{"prompt": "x", "temperature": 1e999}',
        b'{"prompt": "x", "temperature": NaN}',
    ],
)
def test_a_body_that_is_no_json_object_is_malformed(api: Imitation, raw: bytes) -> None:
    response = api.post("/query", raw=raw)
    assert response.status_code == 400
    assert error_of(response)["code"] == "INVALID_REQUEST"


def test_what_may_be_chosen_is_listed(api: Imitation) -> None:
    details = error_of(api.post("/agents/spawn", {"type": "spy", "prompt": "p"}))["details"]
    assert details["reason"] == "must be one of explore, task, code-review, general-purpose"
    assert details["allowed"] == ["explore", "task", "code-review", "general-purpose"]


def test_documented_bounds_are_within(api: Imitation) -> None:
    body = {"prompt": "x" * 100_000, "temperature": 2, "topP": 0, "maxTokens": 10**30}
    assert api.post("/query", body).status_code == 200
    assert api.post("/query", {"prompt": "", "temperature": 0.0, "topP": 1.0}).status_code == 200
    for limit in (1, 100):
        assert api.post("/memory/search", {"query": "q", "limit": limit}).status_code == 200


def test_a_body_that_nothing_documents_may_hold_other_fields(api: Imitation) -> None:
    assert api.call("PATCH", "/user/me", {"name": "J", "timezone": "UTC"}).status_code == 200
    assert api.call("PATCH", "/user/me", {"name": 1}).status_code == 422
