"""`hooks db`: the event log's tables."""

import click

from eventlog.database import EventLog
from eventlog.revision import HEAD
from eventlog.schema import upgrade as upgrade_schema
from eventlog.settings import LogSettings


@click.group()
def db() -> None:
    """Manage the event log's tables."""


@db.command()
def upgrade() -> None:
    """Make the tables those of this release, in one transaction; does nothing when they are."""
    settings = LogSettings()
    log = EventLog.open(settings.url)
    changed = upgrade_schema(log)
    click.echo(f"{log.location}: {'now at' if changed else 'already at'} revision {HEAD}")
