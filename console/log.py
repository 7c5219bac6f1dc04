"""Open the event log for a command."""

from eventlog.database import EventLog
from eventlog.schema import check_schema
from eventlog.settings import LogSettings


def open_log() -> EventLog:
    """Open the log that the environment names. Raises `LogError` with what to do."""
    log = EventLog.open(LogSettings().url)
    check_schema(log)
    return log
