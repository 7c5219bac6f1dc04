"""The way in to ChaozCode's side: the key, its rate limit, and what it may call."""

import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

from flask import Flask, Response, g, request

from sandbox.chaozcode.refusal import Refused
from sandbox.keys import ApiKey
from sandbox.state.ground import timestamp
from sandbox.webhook import Webhook
from sandbox.world import World

PREFIX: Final = "/v2"
HEALTH: Final = "/health"
"""The only endpoint without a key; the reference has such ones, but names no path."""

_PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>")
_DOCUMENTED_NAMES: Final[Mapping[str, str]] = {
    "memory_id": "id",
    "agent_id": "agentId",
    "project_id": "projectId",
    "key_id": "keyId",
    "webhook_id": "webhookId",
}


class Outbox(Protocol):
    """Where acting sends webhooks from."""

    def emit(self, event_type: str, data: Mapping[str, Any]) -> str:
        """Send an event to all webhooks that subscribe to its type; gives its id."""

    def test(self, webhook: Webhook) -> str:
        """Send a test event to one webhook; gives its id."""


def install_door(app: Flask, world: World, outbox: Outbox) -> None:
    """Let no request through to ChaozCode's side that its key may not make."""

    @app.before_request
    def admit() -> None:
        g.request_id = world.ground.new_id("req")
        if not is_chaozcode(request.path) or request.url_rule is None:
            return
        endpoint = documented_path(request.url_rule.rule)
        if endpoint == HEALTH:
            return
        key = g.api_key = _known_key(world)
        g.standing = world.keys.take(key)
        if not g.standing.is_allowed:
            message = f"Too many requests: wait {g.standing.retry_after} s"
            raise Refused(429, message, plan=key.plan, retryAfter=g.standing.retry_after)
        _count(world, outbox, f"{request.method} {endpoint}")
        if not key.may_call(request.method, endpoint):
            raise _forbidden(key, f"{request.method} {endpoint}")

    @app.after_request
    def tell_rate_limit(response: Response) -> Response:
        if is_chaozcode(request.path):
            standing = g.get("standing") or world.keys.standing(world.keys.find(_key_sent()))
            response.headers.update(standing.headers())
        return response


def is_chaozcode(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def documented_path(rule: str) -> str:
    """Write a route as the API reference does: `/memory/{id}`."""
    return _PARAMETER.sub(
        lambda found: f"{{{_DOCUMENTED_NAMES.get(found[1], found[1])}}}", rule.removeprefix(PREFIX)
    )


def _key_sent() -> str:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _known_key(world: World) -> ApiKey:
    text = _key_sent()
    if not text:
        raise Refused(401, "Missing API key: send it as 'Authorization: Bearer YOUR_API_KEY'")
    key = world.keys.find(text)
    if key is None:
        raise Refused(401, "Invalid API key: it is unknown, or was revoked")
    return key


def _forbidden(key: ApiKey, call: str) -> Refused:
    what = "makes GET requests only" if key.type == "readonly" else "is for specific endpoints only"
    return Refused(403, f"This API key may not call {call}: a {key.type} key {what}", keyType=key.type)


def _count(world: World, outbox: Outbox, call: str) -> None:
    threshold = world.account.count(call)
    if threshold is None:
        return
    usage = world.account.usage()
    outbox.emit(
        "usage.threshold",
        {
            "threshold": threshold,
            "usage": usage.api_calls,
            "limit": usage.limit,
            "resetAt": timestamp(usage.reset_at),
        },
    )
