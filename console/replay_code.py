"""What a replay asks of the code that ran: settled against the log and the handlers that are registered."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import click

from console.replay_request import Request
from eventlog.database import EventLog
from eventlog.failure_groups import find_fingerprints
from eventlog.last_run import LastRun, Present
from handlers.registration import Handler
from handlers.settings import HandlerSettings

_LEAST_DIGITS: Final = 4


def settled(request: Request, log: EventLog, handlers: Sequence[Handler]) -> Request:
    """Give the request with the fingerprint in full, and with the versions that would run now."""
    last_run = request.selection.last_run or LastRun()
    if last_run.fingerprint is not None:
        last_run = replace(last_run, fingerprint=whole_fingerprint(log, last_run.fingerprint))
    if request.fixed:
        versions = {handler.name: handler.version for handler in handlers}
        last_run = replace(last_run, fixed_in=Present(versions=versions, release=HandlerSettings().release))
    if last_run == LastRun():
        return request
    return replace(request, selection=replace(request.selection, last_run=last_run))


def whole_fingerprint(log: EventLog, given: str) -> str:
    """Complete a fingerprint from its first digits; raises `click.ClickException` unless one begins so."""
    begins = given.lower()
    found = find_fingerprints(log, begins)
    if begins in found:
        return begins
    if not found or len(begins) < _LEAST_DIGITS:
        raise click.ClickException(
            f"no failure in the log has the fingerprint {given!r}; they are shown by: hooks failures list"
        )
    if len(found) > 1:
        raise click.ClickException(
            f"several fingerprints begin with {given!r}, such as {' and '.join(found[:2])}: give more digits"
        )
    return found[0]
