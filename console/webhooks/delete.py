"""`hooks webhooks delete`: have ChaozCode send no more events to a URL."""

import click

from clients.chaozcode.errors import NotFound
from console.webhooks.account import open_account
from console.webhooks.carrying_out import journal_of


@click.command("delete")
@click.argument("webhook_id", metavar="ID")
def delete_webhook(*, webhook_id: str) -> None:
    """Delete the webhook ID at ChaozCode. Its secret stays where the receiver reads it."""
    with open_account() as account:
        journal = journal_of(account)
        with journal.held():
            try:
                account.client.webhooks.delete(webhook_id)
            except NotFound as error:
                raise click.ClickException(
                    f"ChaozCode has no webhook {webhook_id}; see: hooks webhooks list"
                ) from error
            journal.forget(webhook_id)
    click.echo(f"deleted: {webhook_id}")
