from collections.abc import Callable

import httpx2
import pytest
import stamina

from clients.chaozcode.client import ChaozCode
from clients.chaozcode.errors import InternalError, RateLimited, ServiceUnavailable
from tests.clients.chaozcode.one_reply import KEY

URL = "https://hooks.example.com/"
FILES = [{"path": "app.py", "content": ""}]
MESSAGES = [{"role": "user", "content": "Hello"}]

# Each endpoint of the API reference: whether it is repeated where the first try may have had an effect.
CALLS: list[tuple[str, bool, Callable[[ChaozCode], object]]] = [
    ("POST /query", False, lambda client: client.query("Hello")),
    ("POST /query/stream", False, lambda client: list(client.query.stream("Hello"))),
    ("POST /query/chat", False, lambda client: client.query.chat(MESSAGES)),
    ("GET /models", True, lambda client: client.models.list()),
    ("POST /memory/store", False, lambda client: client.memory.store("a", "b")),
    ("POST /memory/search", True, lambda client: client.memory.search("a")),
    ("GET /memory/a", True, lambda client: client.memory.get("a")),
    ("PUT /memory/a", True, lambda client: client.memory.update("a", content="b")),
    ("DELETE /memory/a", True, lambda client: client.memory.delete("a")),
    ("GET /memory/stats", True, lambda client: client.memory.stats()),
    ("POST /memory/context", True, lambda client: client.memory.context("a")),
    ("POST /codebase/analyze", False, lambda client: client.codebase.analyze(FILES)),
    ("POST /codebase/generate", False, lambda client: client.codebase.generate("a")),
    ("POST /codebase/review", False, lambda client: client.codebase.review("a")),
    ("POST /codebase/fix", False, lambda client: client.codebase.fix("a")),
    ("POST /agents/spawn", False, lambda client: client.agents.spawn("task", "a")),
    ("GET /agents/a", True, lambda client: client.agents.get("a")),
    ("GET /agents/types", True, lambda client: client.agents.types()),
    ("DELETE /agents/a", True, lambda client: client.agents.cancel("a")),
    ("GET /projects", True, lambda client: client.projects.list()),
    ("POST /projects", False, lambda client: client.projects.create("a")),
    ("GET /projects/a", True, lambda client: client.projects.get("a")),
    ("PATCH /projects/a", False, lambda client: client.projects.update("a", name="b")),
    ("DELETE /projects/a", True, lambda client: client.projects.delete("a")),
    ("GET /user/me", True, lambda client: client.user.me()),
    ("PATCH /user/me", False, lambda client: client.user.update(name="a")),
    ("GET /user/usage", True, lambda client: client.user.usage()),
    ("GET /user/api-keys", True, lambda client: client.user.api_keys.list()),
    ("POST /user/api-keys", False, lambda client: client.user.api_keys.create()),
    ("DELETE /user/api-keys/a", True, lambda client: client.user.api_keys.revoke("a")),
    ("GET /webhooks", True, lambda client: client.webhooks.list()),
    ("POST /webhooks", False, lambda client: client.webhooks.create(URL, ["memory.stored"])),
    ("DELETE /webhooks/a", True, lambda client: client.webhooks.delete("a")),
    ("POST /webhooks/a/test", False, lambda client: client.webhooks.test("a")),
]


def tries(status: int, call: Callable[[ChaozCode], object], error: type[Exception]) -> list[str]:
    """Make a call that is always refused, at most three times, and give what was asked."""
    asked = []

    def refuse(request: httpx2.Request) -> httpx2.Response:
        asked.append(f"{request.method} {request.url.path.removeprefix('/v2')}")
        return httpx2.Response(
            status, headers={"X-RateLimit-RetryAfter": "1"} if status == 429 else {}, json={}
        )

    client = ChaozCode(KEY, longest_wait_seconds=5, transport=httpx2.MockTransport(refuse))
    with stamina.set_testing(testing=True, attempts=3), pytest.raises(error):
        call(client)
    return asked


@pytest.mark.parametrize(("endpoint", "idempotent", "call"), CALLS, ids=[name for name, _, _ in CALLS])
def test_a_call_is_repeated_only_where_that_is_safe(
    *, endpoint: str, idempotent: bool, call: Callable[[ChaozCode], object]
) -> None:
    assert tries(503, call, ServiceUnavailable) == [endpoint] * (3 if idempotent else 1)
    assert tries(500, call, InternalError) == [endpoint] * 3
    assert tries(429, call, RateLimited) == [endpoint] * 3
