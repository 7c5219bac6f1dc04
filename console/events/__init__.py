"""`hooks events`: look at the events in the log."""

import click

from console.events.export import export_events
from console.events.listing import list_events
from console.events.show import show_event


@click.group()
def events() -> None:
    """Look at the events in the log."""


for _command in (list_events, show_event, export_events):
    events.add_command(_command)
