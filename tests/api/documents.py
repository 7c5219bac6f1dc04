"""What the two API references say, written down from them by hand: endpoints, parameters, statuses, errors.

The descriptions in docs/api/ are held to this, so that no endpoint or parameter gets lost or changed there.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    method: str
    path: str
    parameters: tuple[tuple[str, str, bool], ...] = ()  # name, type, required; of the body
    success: int | None = None  # where the reference names it

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def _endpoint(name: str, parameters: str = "", *, success: int | None = None) -> Endpoint:
    """Read `id:string! tags:array`: what the reference has in its tables, `!` where it says Required."""
    method, path = name.split()
    table = []
    for entry in parameters.split():
        parameter, _, kind = entry.partition(":")
        table.append((parameter, kind.removesuffix("!"), kind.endswith("!")))
    return Endpoint(method=method, path=path, parameters=tuple(table), success=success)


_QUERY: Final = (
    "prompt:string! model:string systemPrompt:string temperature:number maxTokens:integer topP:number"
    " stop:array stream:boolean context:object"
)

CHAOZCODE: Final = (
    _endpoint("POST /query", _QUERY, success=200),
    _endpoint("POST /query/stream", _QUERY),
    _endpoint("POST /query/chat", "messages:array! model:string conversationId:string"),
    _endpoint("GET /models", success=200),
    _endpoint(
        "POST /memory/store",
        "id:string! content:string! tags:array importance:string metadata:object",
        success=201,
    ),
    _endpoint("POST /memory/search", "query:string! limit:integer tags:array minScore:number", success=200),
    _endpoint("GET /memory/{id}"),
    _endpoint("PUT /memory/{id}"),
    _endpoint("DELETE /memory/{id}"),
    _endpoint("GET /memory/stats", success=200),
    _endpoint("POST /memory/context", "query:string! maxTokens:integer"),
    _endpoint("POST /codebase/analyze", "files:array! language:string depth:string", success=200),
    _endpoint("POST /codebase/generate", "task:string! context:array language:string style:object"),
    _endpoint("POST /codebase/review", "code:string! language:string focus:array"),
    _endpoint("POST /codebase/fix", "code:string! error:string context:string"),
    _endpoint("POST /agents/spawn", "type:string! prompt:string! model:string timeout:integer", success=202),
    _endpoint("GET /agents/{agentId}", success=200),
    _endpoint("GET /agents/types"),
    _endpoint("DELETE /agents/{agentId}"),
    _endpoint("GET /projects"),
    _endpoint("POST /projects", "name:string! description:string settings:object"),
    _endpoint("GET /projects/{projectId}"),
    _endpoint("PATCH /projects/{projectId}"),
    _endpoint("DELETE /projects/{projectId}"),
    _endpoint("GET /user/me", success=200),
    _endpoint("PATCH /user/me"),
    _endpoint("GET /user/usage"),
    _endpoint("GET /user/api-keys"),
    _endpoint("POST /user/api-keys"),
    _endpoint("DELETE /user/api-keys/{keyId}"),
    _endpoint("GET /webhooks"),
    _endpoint("POST /webhooks", "url:string! events:array! secret:string"),
    _endpoint("DELETE /webhooks/{webhookId}"),
    _endpoint("POST /webhooks/{webhookId}/test"),
)

CHUCKY: Final = (
    _endpoint("POST /prompt", "message:string! options:object!", success=200),
    _endpoint("GET /usage", success=200),
)

CHUCKY_OPTIONS: Final = _endpoint(
    "POST /prompt",
    "token:string! model:string systemPrompt:string tools:array allowedTools:array disallowedTools:array"
    " maxTurns:number maxBudgetUsd:number maxThinkingTokens:number outputFormat:object mcpServers:object",
).parameters

ERROR_CODES: Final = {
    400: "INVALID_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
ERRORS_ANYWHERE: Final = (401, 403, 429, 500, 503)  # of the key, the plan, or the server

RATE_HEADERS: Final = (
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-RetryAfter",
)

# Default, limits and choices, as (operation, parameter): what the schema must say.
LIMITS: Final = {
    ("POST /query", "prompt"): {"maxLength": 100_000},
    ("POST /query", "temperature"): {"minimum": 0.0, "maximum": 2.0, "default": 0.7},
    ("POST /query", "maxTokens"): {"default": 4096},
    ("POST /query", "topP"): {"minimum": 0.0, "maximum": 1.0},
    ("POST /query/chat", "model"): {"default": "gpt-4"},
    ("POST /memory/store", "importance"): {"enum": ["low", "medium", "high", "critical"]},
    ("POST /memory/search", "limit"): {"maximum": 100, "default": 10},
    ("POST /memory/search", "minScore"): {"minimum": 0.0, "maximum": 1.0},
    ("POST /memory/context", "maxTokens"): {"default": 4000},
    ("POST /codebase/analyze", "depth"): {"enum": ["basic", "standard", "deep"], "default": "standard"},
    ("POST /agents/spawn", "type"): {"enum": ["explore", "task", "code-review", "general-purpose"]},
    ("POST /agents/spawn", "timeout"): {"default": 300},
    ("POST /webhooks", "url"): {"pattern": "^https://"},
}
EVENT_TYPES: Final = (
    "memory.stored",
    "memory.updated",
    "memory.deleted",
    "agent.started",
    "agent.completed",
    "agent.failed",
    "project.updated",
    "usage.threshold",
)


def parameters_of(name: str) -> set[str]:
    """Give the names of an endpoint's documented parameters."""
    endpoint = next(endpoint for endpoint in (*CHAOZCODE, *CHUCKY) if endpoint.name == name)
    options = [option for option, _, _ in CHUCKY_OPTIONS] if name == "POST /prompt" else []
    return {parameter for parameter, _, _ in endpoint.parameters} | set(options)
