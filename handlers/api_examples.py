"""What both APIs answer in a dry run: the example replies of their references, and {} where there is none."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

import httpx2

_NOW: Final = "2026-01-30T12:00:00Z"
_MEMORY: Final = {
    "id": "auth-implementation",
    "content": "Implemented OAuth2 with PKCE...",
    "score": 0.92,
    "tags": ["auth", "security"],
    "createdAt": "2026-01-29T10:00:00Z",
}
_QUERY: Final = {
    "id": "query_abc123",
    "text": "REST and GraphQL are both API architectures...",
    "model": "gpt-4",
    "usage": {"promptTokens": 15, "completionTokens": 487, "totalTokens": 502},
    "finishReason": "stop",
    "createdAt": _NOW,
}
_MODEL: Final = {
    "id": "gpt-4",
    "name": "GPT-4",
    "provider": "openai",
    "contextWindow": 128000,
    "inputPrice": 0.03,
    "outputPrice": 0.06,
    "capabilities": ["chat", "code", "analysis"],
}
_ANALYSIS: Final = {
    "summary": {
        "totalFiles": 45,
        "totalLines": 8234,
        "languages": {"typescript": 80, "css": 15, "json": 5},
    },
    "structure": {"components": 12, "hooks": 5, "utils": 8, "tests": 20},
    "dependencies": [],
    "suggestions": [],
}
_AGENT: Final = {
    "agentId": "agent_abc123",
    "type": "explore",
    "status": "completed",
    "result": {
        "summary": "Found 5 authentication-related files...",
        "files": [],
        "confidence": 0.92,
    },
    "usage": {"tokens": 1523, "cost": 0.045},
    "duration": 3.2,
}
_SPAWNED: Final = {"agentId": "agent_abc123", "type": "explore", "status": "running", "createdAt": _NOW}
_STORED: Final = {"ok": True, "id": "project-auth-v2", "vectorId": "vec_abc123", "createdAt": _NOW}
_STATS: Final = {
    "vectorCount": 5234,
    "storageBytes": 52428800,
    "version": "0.4.0",
    "avgResponseMs": 8,
    "status": "healthy",
}
_USER: Final = {
    "id": "user_abc123",
    "email": "developer@example.com",
    "name": "Jane Developer",
    "plan": "pro",
    "usage": {"apiCalls": 4523, "limit": 10000, "resetAt": "2026-02-01T00:00:00Z"},
    "createdAt": "2025-06-15T10:00:00Z",
}
_CHAOZCODE: Final[Sequence[tuple[str, str, int, Mapping[str, Any]]]] = (
    ("POST", "/query", 200, _QUERY),
    ("POST", "/query/chat", 200, _QUERY),
    ("GET", "/models", 200, {"models": [_MODEL]}),
    ("POST", "/memory/store", 201, _STORED),
    ("POST", "/memory/search", 200, {"results": [_MEMORY], "total": 1, "took": 23}),
    ("GET", "/memory/stats", 200, _STATS),
    ("GET", "/memory/(?P<id>[^/]+)", 200, _MEMORY),
    ("POST", "/codebase/analyze", 200, _ANALYSIS),
    ("POST", "/agents/spawn", 202, _SPAWNED),
    ("GET", "/agents/types", 200, {}),
    ("GET", "/agents/(?P<agentId>[^/]+)", 200, _AGENT),
    ("GET", "/user/me", 200, _USER),
)
_QUERY_STREAM: Final = (
    {"type": "start", "id": "query_abc123"},
    {"type": "delta", "content": "REST "},
    {"type": "delta", "content": "and "},
    {"type": "delta", "content": "GraphQL..."},
    {"type": "done", "usage": {"totalTokens": 502}},
)

_PARIS: Final = "The capital of France is Paris."
_SESSION: Final[Mapping[str, Any]] = {"sessionId": "550e8400-e29b-41d4-a716-446655440000"}
_RESULT: Final[Mapping[str, Any]] = {
    "type": "result",
    "subtype": "success",
    "text": _PARIS,
    "total_cost_usd": 0.0012,
}
_PROMPT: Final[Mapping[str, Any]] = {
    "result": {**_RESULT, "duration_secs": 1.5, "usage": {"input_tokens": 50, "output_tokens": 20}},
    "messages": [{"type": "assistant", "subtype": "text", "text": _PARIS}, _RESULT],
    **_SESSION,
}
_PROMPT_STREAM: Final = (
    {"type": "assistant", "subtype": "text", "text": "The capital of "},
    {"type": "assistant", "subtype": "text", "text": "France is Paris."},
    _RESULT,
)
_USAGE: Final = {
    "user_id": "demo-user",
    "issuer_id": "jd77az049xjwsv0pbjqbrkfjws7z5136",
    "window": "day",
    "window_start": "2026-01-14T00:00:00.000Z",
    "allowed": True,
    "ai": {"used": 150000, "remaining": 4850000, "budget": 5000000},
    "compute": {"used": 84, "remaining": 359916, "budget": 360000},
}


def chaozcode_example(request: httpx2.Request) -> httpx2.Response:
    """Answer as ChaozCode's reference shows it; the id in the path is that of the answer."""
    path = request.url.raw_path.partition(b"?")[0].decode("ascii")
    if path.endswith("/query/stream"):
        return _stream("".join(f"data: {json.dumps(event)}\n\n" for event in _QUERY_STREAM))
    for method, pattern, status, body in _CHAOZCODE:
        found = re.search(f"{pattern}$", path) if method == request.method else None
        if found is not None:
            named = {name: unquote(value) for name, value in found.groupdict().items()}
            return httpx2.Response(status, json={**body, **named})
    return httpx2.Response(200, json={})


def chucky_example(request: httpx2.Request) -> httpx2.Response:
    """Answer as Chucky's reference shows it."""
    if request.method == "GET":
        return httpx2.Response(200, json=_USAGE)
    if "text/event-stream" not in request.headers.get("Accept", ""):
        return httpx2.Response(200, json=_PROMPT)
    messages = "".join(f"event: message\ndata: {json.dumps(message)}\n\n" for message in _PROMPT_STREAM)
    return _stream(f"{messages}event: done\ndata: {json.dumps(_SESSION)}\n\n")


def _stream(text: str) -> httpx2.Response:
    return httpx2.Response(200, headers={"Content-Type": "text/event-stream"}, text=text)
