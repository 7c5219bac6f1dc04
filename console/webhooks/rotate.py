"""`hooks webhooks rotate`: a new secret, without an event refused meanwhile."""

import click

from console.webhooks.account import Account, open_account
from console.webhooks.carrying_out import Options, carry_out, interrupted, journal_of, require_url
from console.webhooks.change_options import change_options
from console.webhooks.journal import Change
from console.webhooks.registered import registered_at


@click.command("rotate")
@change_options
@click.option(
    "--settle",
    "settle_seconds",
    type=click.FloatRange(min=0, max=3600),
    default=10.0,
    show_default=True,
    help="Seconds for which the old secret is accepted after the old webhook was deleted.",
)
def rotate_secret(*, url: str, events: tuple[str, ...] | None, options: Options) -> None:
    """Replace the webhook of URL by one with a new secret.

    Both secrets are accepted until the new webhook has proved to work and the old one is deleted. It may be
    interrupted at any point: run again, it goes on where it stopped.
    """
    with open_account() as account:
        require_url(account, url, options)
        journal = journal_of(account)
        with journal.held():
            change = interrupted(account, journal, url, events) or _new(account, url, events)
            carry_out(account, journal, change, options)
    click.echo(f"rotated: {url}", err=options.prints)


def _new(account: Account, url: str, events: tuple[str, ...] | None) -> Change:
    found = registered_at(account.client.webhooks, url)
    if not found:
        raise click.ClickException(
            f"no webhook is registered for {url}; see: hooks webhooks list, or: hooks webhooks register {url}"
        )
    wanted = events or next((webhook.events for webhook in found if webhook.events), ())
    if not wanted:
        raise click.ClickException(
            "ChaozCode does not tell which events that webhook is for; name them: --events"
        )
    return Change(url=url, events=wanted, old=tuple(webhook.id for webhook in found if webhook.id))
