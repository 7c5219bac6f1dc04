"""`hooks db`: the event log's tables."""

import click

from eventlog.database import EventLog
from eventlog.revision import HEAD
from eventlog.schema import read_revision
from eventlog.schema import upgrade as upgrade_schema
from eventlog.settings import LogSettings


@click.group()
def db() -> None:
    """Manage the event log's tables."""


@db.command()
def upgrade() -> None:
    """Bring the tables to this release, in one transaction; does nothing when they are, or are newer."""
    settings = LogSettings()
    if not settings.database_url:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = EventLog.open(settings.url)
    changed = upgrade_schema(log)
    found = read_revision(log)
    if found == HEAD:
        click.echo(f"{log.location}: {'now at' if changed else 'already at'} revision {HEAD}")
    else:
        click.echo(
            f"{log.location}: at revision {found}, made by a newer release; this one needs {HEAD} and works"
            " with it, there is nothing to do"
        )
