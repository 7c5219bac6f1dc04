"""Open the event log for a command."""

import time
from pathlib import Path
from typing import Final

import structlog

from eventlog.database import EventLog, parse_url
from eventlog.errors import LogUnavailable, SchemaOutdated
from eventlog.schema import check_schema
from eventlog.settings import LogSettings

_AGAIN_SECONDS: Final = 0.5


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
    try:
        check_schema(log)
    except BaseException:
        log.close()
        raise
    return log


def open_log_once_it_answers(kind: str) -> EventLog:
    """Open the log for a process that is to run for long; while its database is away, wait for it.

    A process that is started within an outage must not end: its host would give up on it, or end the others.
    Raises `LogError` where waiting won't help.
    """
    logger = structlog.get_logger(kind)
    was_away = False
    while True:
        try:
            log = open_log()
        except LogUnavailable as error:
            if not was_away:
                logger.warning("log_unavailable", while_doing="start", error=str(error))
            was_away = True
            time.sleep(_AGAIN_SECONDS)
        else:
            if was_away:
                logger.info("recovered", after="log_unavailable")
            return log
