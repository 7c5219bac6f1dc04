"""`hooks webhooks register`: make a webhook whose secret the receiver knows, and prove that it works."""

import click

from clients.chaozcode.webhooks import EVENT_TYPES
from console.webhooks.account import Account, open_account
from console.webhooks.carrying_out import Options, carry_out, interrupted, journal_of, require_url
from console.webhooks.change_options import change_options
from console.webhooks.journal import Change, Journal
from console.webhooks.registered import registered_at


@click.command("register")
@change_options
def register_webhook(*, url: str, events: tuple[str, ...] | None, options: Options) -> None:
    """Register URL, the receiver's public one, at ChaozCode.

    Makes a secret, writes it into .env, where the running receiver takes it up, creates the webhook, sends
    a test event and waits until it is in the event log. Run again it changes nothing, or goes on where it
    stopped.
    """
    with open_account() as account:
        require_url(account, url, options)
        journal = journal_of(account)
        with journal.held():
            change = interrupted(account, journal, url, events) or _new(account, journal, url, events)
            if change is None:
                return
            done = carry_out(account, journal, change, options)
    click.echo(f"registered: {url} ({len(done.events)} types of events)", err=options.prints)


def _new(account: Account, journal: Journal, url: str, events: tuple[str, ...] | None) -> Change | None:
    found = registered_at(account.client.webhooks, url)
    if not found:
        return Change(url=url, events=events or EVENT_TYPES)
    webhook = found[0]
    known = "" if webhook.id in journal.secrets_by_webhook() else "; its secret was not made here"
    click.echo(f"{url} is registered already, as {webhook.id}{known}: nothing was changed")
    if events is not None and webhook.events and set(events) != set(webhook.events):
        click.echo(
            f"its events are {', '.join(webhook.events)}; to have others:"
            f" hooks webhooks rotate {url} --events {','.join(events)}"
        )
    else:
        click.echo(
            f"to try it: hooks webhooks test {webhook.id}; for a new secret: hooks webhooks rotate {url}"
        )
    return None
