"""Whether events wait for a worker, and whether handlers gave up lately."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from console.doctor.finding import Finding, ok, warning
from console.visible import visible_line
from eventlog.database import EventLog
from eventlog.diagnosis import COUNT_LIMIT, Found, read_recently_dead, read_unclaimed

_UNCLAIMED: Final = timedelta(seconds=60)
_LATELY: Final = timedelta(hours=24)


def check_unclaimed(log: EventLog) -> Iterator[Finding]:
    """Look for events that wait for a worker."""
    found = read_unclaimed(log, after=_UNCLAIMED)
    if found.count:
        yield warning(
            "backlog",
            f"{found_number(found)} queued for more than 60 s without a first attempt: {found_names(found)}",
            "start a worker, or more of them (hooks worker)",
        )
    else:
        yield ok("backlog", "no event has waited for a worker for more than 60 s")


def check_dead(log: EventLog) -> Iterator[Finding]:
    """Look for handlers that gave up."""
    found = read_recently_dead(log, within=_LATELY)
    if found.count:
        yield warning(
            "dead",
            f"{found_number(found)} gave up in the last 24 h: {found_names(found)}",
            "see hooks events list --state dead, then hooks events show ID; once mended, hooks replay ID, or"
            " hooks events resolve ID",
        )
    else:
        yield ok("dead", "no handler gave up in the last 24 h")


def found_number(found: Found) -> str:
    return f"more than {COUNT_LIMIT:,}" if found.count > COUNT_LIMIT else f"{found.count:,}"


def found_names(found: Found) -> str:
    names = ", ".join(visible_line(name) for name in found.first)
    return f"{names}, ..." if found.count > len(found.first) else names
