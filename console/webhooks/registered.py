"""The webhooks at ChaozCode, and which of them are for a URL; what the list looks like is not documented."""

from dataclasses import replace

import httpx2

from clients.chaozcode.webhooks import Webhook, Webhooks


def registered(webhooks: Webhooks) -> list[Webhook]:
    """List all webhooks; an id that is a number becomes a text, as it is in URLs."""
    return [_with_id(webhook) for webhook in webhooks.list()]


def registered_at(webhooks: Webhooks, url: str) -> list[Webhook]:
    """Find the webhooks for this URL that have an id."""
    return [webhook for webhook in registered(webhooks) if is_same_url(webhook.url, url) and webhook.id]


def ids_at(webhooks: Webhooks, url: str) -> list[str]:
    """Give the ids of the webhooks for this URL."""
    return [webhook.id for webhook in registered_at(webhooks, url) if webhook.id]


def is_same_url(one: str | None, other: str) -> bool:
    """Tell whether two URLs are one: the API may write a host, a usual port or a last slash otherwise."""
    return one is not None and _plain(one) == _plain(other)


def _plain(url: str) -> str:
    try:
        return str(httpx2.URL(url)).rstrip("/")
    except (httpx2.InvalidURL, ValueError):
        return url


def _with_id(webhook: Webhook) -> Webhook:
    number = webhook.raw.get("id")
    if webhook.id is None and isinstance(number, int):
        return replace(webhook, id=str(number))
    return webhook
