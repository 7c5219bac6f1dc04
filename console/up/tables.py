"""The event log's tables, made or brought to this release before the processes start."""

import hashlib
from pathlib import Path

from console.up.display import show
from eventlog.revision import HEAD
from eventlog.settings import LogSettings
from eventlog.url import kind_of


def ensure_tables(settings: LogSettings) -> None:
    """Upgrade the tables, unless that was done for this release and database.

    A note in the home folder says so: with it, `hooks up` need not load what talks to databases. Should it
    be wrong, each process still checks the tables, and says what to do. Raises `LogError`.
    """
    note = settings.home / "tables"
    done = f"{HEAD} {hashlib.sha256(settings.url.encode()).hexdigest()}\n"
    if _is_there(settings.url) and note.exists() and note.read_text() == done:
        return
    from eventlog.database import EventLog  # noqa: PLC0415 - slow to load
    from eventlog.schema import upgrade  # noqa: PLC0415

    log = EventLog.open(settings.url)
    if upgrade(log):
        show(f"the event log's tables were made in {log.location}", word="log")
    log.close()
    note.write_text(done)


def _is_there(url: str) -> bool:
    return kind_of(url) != "sqlite" or Path(url.partition(":///")[2]).exists()
