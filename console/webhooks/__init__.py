"""`hooks webhooks`: registers the receiver at ChaozCode, and changes its secret."""

import click

from console.webhooks.delete import delete_webhook
from console.webhooks.listing import list_webhooks
from console.webhooks.register import register_webhook
from console.webhooks.rotate import rotate_secret
from console.webhooks.trial import test_webhook


@click.group()
def webhooks() -> None:
    """Register, list, test, delete and rotate webhooks at ChaozCode; needs CHAOZCODE_API_KEY."""


for _command in (register_webhook, list_webhooks, test_webhook, rotate_secret, delete_webhook):
    webhooks.add_command(_command)
