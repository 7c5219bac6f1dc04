"""`hooks handlers`: look at the registered handlers, and write a new one."""

import click

from console.handlers.listing import list_handlers
from console.handlers.new import new_handler
from console.handlers.registered import registered
from console.handlers.show import show_handler

__all__ = ["handlers", "registered"]


@click.group("handlers")
def handlers() -> None:
    """Look at the registered handlers, and write a new one."""


for _command in (list_handlers, show_handler, new_handler):
    handlers.add_command(_command)
