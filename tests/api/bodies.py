"""For each endpoint whose parameters the references list, a right body that has all of them."""

from typing import Any, Final

from tests.api.documents import EVENT_TYPES

_QUERY: Final = {
    "prompt": "Explain the difference between REST and GraphQL",
    "model": "gpt-4",
    "systemPrompt": "Be brief.",
    "temperature": 0.7,
    "maxTokens": 1000,
    "topP": 0.9,
    "stop": ["\n\n"],
    "stream": False,
    "context": {"memories": ["api-style"]},
}
_FILE: Final = {"path": "app.py", "content": "import os\n"}

RIGHT: Final[dict[str, dict[str, Any]]] = {
    "POST /query": _QUERY,
    "POST /query/stream": _QUERY,
    "POST /query/chat": {
        "messages": [{"role": "user", "content": "How do I create a React hook?"}],
        "model": "gpt-4",
        "conversationId": "",
    },
    "POST /memory/store": {
        "id": "project-auth-v2",
        "content": "Implemented OAuth2",
        "tags": ["auth"],
        "importance": "high",
        "metadata": {"team": "platform"},
    },
    "POST /memory/search": {"query": "OAuth2", "limit": 10, "tags": ["auth"], "minScore": 0.5},
    "POST /memory/context": {"query": "OAuth2", "maxTokens": 4000},
    "POST /codebase/analyze": {"files": [_FILE], "language": "python", "depth": "deep"},
    "POST /codebase/generate": {
        "task": "a function that adds",
        "context": [_FILE],
        "language": "python",
        "style": {"quotes": "double"},
    },
    "POST /codebase/review": {"code": "eval(input())", "language": "python", "focus": ["security"]},
    "POST /codebase/fix": {"code": "1 / 0", "error": "ZeroDivisionError", "context": "a script"},
    "POST /agents/spawn": {"type": "explore", "prompt": "Find it", "model": "gpt-4", "timeout": 300},
    "POST /projects": {"name": "Website", "description": "Public", "settings": {"visibility": "private"}},
    "POST /webhooks": {
        "url": "https://receiver.example/webhooks/chaozcode",
        "events": list(EVENT_TYPES),
        "secret": "whsec_of_the_test",
    },
}
