"""What an ailment is: one thing that may not be true of a row, where to look for it, and its cure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, literal_column

from eventlog.hold import ORIGINAL_RUN
from eventlog.instant import database_now_plus
from eventlog.states import REQUEUE_GRACE, State
from eventlog.tables import deliveries


class Among(Enum):
    """Which rows to look through; each way has an index, and takes so many of them at most."""

    DUE = auto()
    """Those that the ailment picks by their due time alone."""
    QUEUED = auto()
    RUNNING = auto()
    """Events in this state, the most overdue first."""
    WAITING = auto()
    """Events that wait, the oldest first."""
    LEASED = auto()
    """Those that name a lease."""
    NEWEST = auto()
    """The newest events, finished or not."""
    IN_RUNS = auto()
    """Unfinished deliveries of any run, or the events that they are of; the oldest first."""
    ALONE = auto()
    """Deliveries in queues of their own that have not ended, by handler."""
    IN_LINES = auto()
    """Those that stand in line."""
    IN_REPLAYS = auto()
    """Unfinished deliveries of replays, the most overdue first."""


class Severity(Enum):
    STRANDED = auto()
    """It is never settled by itself, or the log says what is not true."""
    HARMLESS = auto()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ailment:
    """One way in which rows of a table can be wrong."""

    name: str
    says: str
    """What is wrong, after the number of rows."""
    todo: str
    table: Table
    among: tuple[Among, ...]
    is_ill: ColumnElement[bool]
    cure: Mapping[str, Any] | None = None
    """What a row is set to, none: it is deleted. None where nothing can mend it."""
    cured: str = ""
    """What that did."""
    sends_jobs: bool = False
    """Whether the cured need a job."""
    may_be_held: bool = False
    """Whether a living worker may hold it after all; then it renews its lease soon."""
    may_be_backlog: bool = False
    """Whether nothing is wrong with what is queued, if a waiting job names it."""
    severity: Severity = Severity.STRANDED


FIX: Final = "run: hooks doctor --fix"
BACK_IN_QUEUE: Final[Mapping[str, Any]] = {
    "state": State.QUEUED,
    "lease": None,
    "due_at": database_now_plus(REQUEUE_GRACE),
}
IN_A_REPLAY: Final = deliveries.c.replay > literal_column(str(ORIGINAL_RUN))
OVERDUE: Final = timedelta(seconds=60)
"""The clock looks every second; what is queued may wait in a job for longer, and is then known as backlog."""
