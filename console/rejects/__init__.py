"""`hooks rejects`: look at the requests that the receiver refused, explain them, take them in."""

import click

from console.rejects.admit import admit_rejects
from console.rejects.explain import explain_rejects
from console.rejects.listing import list_rejects
from console.rejects.show import show_reject


@click.group()
def rejects() -> None:
    """Look at refused requests, find out why they were refused, and take them in after that was mended."""


for _command in (list_rejects, show_reject, explain_rejects, admit_rejects):
    rejects.add_command(_command)
