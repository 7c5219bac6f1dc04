"""The handlers that a worker would run, for commands."""

import click

from handlers.discovery import discover
from handlers.errors import HandlerError
from handlers.router import Router
from handlers.settings import HandlerSettings


def registered() -> Router:
    """Find all handlers; what is wrong with one ends the command with its message."""
    try:
        return discover(HandlerSettings())
    except HandlerError as error:
        raise click.ClickException(str(error)) from error
