"""Open the event log for a command."""

from pathlib import Path

from eventlog.database import EventLog, parse_url
from eventlog.errors import SchemaOutdated
from eventlog.schema import check_schema
from eventlog.settings import LogSettings


def open_log() -> EventLog:
    """Open the log that the environment names; a SQLite file is not made by looking for it.

    Raises `LogError` with what to do.
    """
    settings = LogSettings()
    url = parse_url(settings.url)
    if url.drivername == "sqlite" and not Path(str(url.database)).exists():
        raise SchemaOutdated(
            f"there is no event log at {url.database} yet; run: hooks up, or: hooks db upgrade"
        )
    log = EventLog.open(settings.url)
    check_schema(log)
    return log
