"""What came of handlers within the last hour, as far as the log can say."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from console.log import open_log
from eventlog.errors import LogError
from eventlog.recent_outcomes import READ_AT_MOST, RecentOutcomes, read_recent_outcomes
from handlers.registration import Handler

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastHour:
    """The outcomes of some handlers, by their names."""

    outcomes: Mapping[str, RecentOutcomes]
    unknown_because: str | None = None
    """Why the log could not say."""


def read_last_hour(handlers: Sequence[Handler]) -> LastHour:
    """Ask the log; one that is away or not there yet is told, and keeps nobody from looking at handlers."""
    try:
        with closing(open_log()) as log:
            found = {
                handler.name: read_recent_outcomes(log, handler.name, within=_HOUR) for handler in handlers
            }
    except LogError as error:
        return LastHour(outcomes={}, unknown_because=str(error))
    return LastHour(outcomes=found)


def in_words(outcomes: RecentOutcomes) -> str:
    counted = ", ".join(f"{count:,} {state}" for state, count in outcomes.counts.items()) or "nothing"
    return counted if outcomes.is_complete else f"{counted}, of the newest {READ_AT_MOST:,}"
