"""`hooks events`: look at the events in the log, and see to their deliveries."""

import click

from console.events.export import export_events
from console.events.listing import list_events
from console.events.resolve import resolve_event
from console.events.retry import retry_event
from console.events.show import show_event


@click.group()
def events() -> None:
    """Look at the events in the log, and see to their deliveries."""


for _command in (list_events, show_event, export_events, retry_event, resolve_event):
    events.add_command(_command)
