"""Webhook Endpoints."""

from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx2
from flask import Blueprint
from msgspec import Meta

from eventlog.event import KNOWN_TYPES
from sandbox.chaozcode.door import Outbox
from sandbox.chaozcode.parameters import Parameters
from sandbox.chaozcode.refusal import not_valid
from sandbox.chaozcode.request_body import read_body
from sandbox.state.ground import timestamp
from sandbox.trust import is_loopback
from sandbox.webhook import Webhook
from sandbox.world import World


class Create(Parameters, frozen=True):
    """Parameters of POST /webhooks."""

    url: str
    events: Annotated[list[str], Meta(min_length=1)]
    secret: str = ""


def endpoints(world: World, outbox: Outbox) -> Blueprint:
    """Give the group's routes."""
    group = Blueprint("webhooks", __name__)

    @group.get("/webhooks")
    def list_all() -> dict[str, Any]:
        return {"webhooks": [_described(webhook) for webhook in world.webhooks.all()]}

    @group.post("/webhooks")
    def create() -> tuple[dict[str, Any], int]:
        given = read_body(Create)
        _check_url(given.url)
        _check_events(given.events)
        webhook = world.webhooks.create(given.url, given.events, given.secret or None)
        return _described(webhook) | {"secret": webhook.secret}, 201

    @group.delete("/webhooks/<webhook_id>")
    def delete(webhook_id: str) -> dict[str, Any]:
        return {"ok": True, "id": world.webhooks.delete(webhook_id).id}

    @group.post("/webhooks/<webhook_id>/test")
    def test(webhook_id: str) -> dict[str, Any]:
        return {"ok": True, "eventId": outbox.test(world.webhooks.get(webhook_id))}

    return group


def _check_url(url: str) -> None:
    if any(character.isspace() or not character.isprintable() for character in url):
        raise not_valid("url", "is not a URL: it has spaces or control characters")
    try:
        parts = urlsplit(url)
        is_taken = bool(parts.hostname) and (
            # By plain http to this machine only, as the sandbox itself is called.
            parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))
        )
        _ = parts.port
    except (ValueError, httpx2.InvalidURL) as error:
        raise not_valid("url", "is not a URL") from error
    if not is_taken:
        raise not_valid("url", "must be an HTTPS URL (the sandbox also takes http:// to this machine)")


def _check_events(events: list[str]) -> None:
    unknown = [event for event in dict.fromkeys(events) if event not in KNOWN_TYPES]
    if unknown:
        reason = f"unknown event types: {', '.join(unknown)}"
        raise not_valid("events", reason, unknown=unknown, allowed=list(KNOWN_TYPES))


def _described(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "createdAt": timestamp(webhook.created_at),
    }
