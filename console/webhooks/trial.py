"""`hooks webhooks test`: have a test event sent, and see it arrive."""

from contextlib import closing

import click

from clients.chaozcode.errors import NotFound
from console.log import open_log
from console.webhooks.account import Account, open_account
from console.webhooks.proof import only_send, prove_with
from console.webhooks.registered import registered_at


@click.command("test")
@click.argument("webhook", metavar="ID|URL")
@click.option(
    "--within",
    "within_seconds",
    type=click.FloatRange(min=1, max=3600),
    default=30.0,
    show_default=True,
    help="Seconds in which it has to be in the event log.",
)
@click.option("--no-wait", "only_sends", is_flag=True, help="Have it sent, and look for nothing.")
def test_webhook(*, webhook: str, within_seconds: float, only_sends: bool) -> None:
    """Have ChaozCode send a test event, wait until it is in the event log, and tell how long that took."""
    with open_account() as account:
        webhook_id = _find(account, webhook)
        try:
            if only_sends:
                only_send(account.client.webhooks, say=click.echo)(webhook_id)
                return
            with closing(open_log()) as log:
                prove_with(account.client.webhooks, log, within_seconds=within_seconds, say=click.echo)(
                    webhook_id
                )
        except NotFound as error:
            raise click.ClickException(
                f"ChaozCode has no webhook {webhook_id}; see: hooks webhooks list"
            ) from error


def _find(account: Account, webhook: str) -> str:
    if "://" not in webhook:
        return webhook
    found = registered_at(account.client.webhooks, webhook)
    if not found or found[-1].id is None:
        raise click.ClickException(f"no webhook is registered for {webhook}; see: hooks webhooks list")
    if len(found) > 1:
        raise click.ClickException(
            f"there are {len(found)} webhooks for {webhook}; name one by its id: hooks webhooks list"
        )
    return found[0].id or ""
