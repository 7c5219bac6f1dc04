"""`hooks webhooks list`: what is registered, and what of it comes here."""

import click
from rich.text import Text

from clients.chaozcode.webhooks import Webhook
from console.rendering import iso_time, local_time, show, show_json, table
from console.settings import TriggerSettings, secrets_in_environment
from console.webhooks.account import open_account
from console.webhooks.carrying_out import journal_of
from console.webhooks.registered import is_same_url, registered
from console.webhooks.secret_place import EnvFilePlace, fingerprint

_HEADINGS = ("", "id", "url", "events", "created")


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_webhooks(*, as_json: bool) -> None:
    """List the webhooks at ChaozCode; * marks those whose events this receiver accepts."""
    with open_account() as account:
        webhooks = registered(account.client.webhooks)
        settings = TriggerSettings()
        accepted = secrets_in_environment() or EnvFilePlace(settings.made_by_up).read()
        ours = {fingerprint(secret) for secret in accepted}
        by_webhook = journal_of(account).secrets_by_webhook()
    here = [
        is_same_url(webhook.url, settings.url) or by_webhook.get(webhook.id or "") in ours
        for webhook in webhooks
    ]
    if as_json:
        show_json(
            {"webhooks": [_as_json(each, is_here) for each, is_here in zip(webhooks, here, strict=True)]}
        )
    elif webhooks:
        show(table(_HEADINGS, [_row(each, is_here) for each, is_here in zip(webhooks, here, strict=True)]))
    else:
        show(
            Text("No webhook is registered; do it with: hooks webhooks register https://…/webhooks/chaozcode")
        )


def _row(webhook: Webhook, is_here: bool) -> tuple[str, ...]:
    return (
        "*" if is_here else "",
        webhook.id or "",
        webhook.url or "",
        " ".join(webhook.events),
        "" if webhook.created_at is None else local_time(webhook.created_at),
    )


def _as_json(webhook: Webhook, is_here: bool) -> dict[str, object]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "created_at": iso_time(webhook.created_at),
        "here": is_here,
    }
