"""What can go wrong with the event log.

LogError
├── LogUnavailable        it can't take or give anything now; try again later
│   └── RowLocked         another transaction holds what this one needs, and for long
├── EventNotStorable      this one event can't be stored, and never will be
├── SchemaOutdated        the tables are not those of this release
├── LeaseLost             another worker may run this delivery by now; nothing was written
├── CommitUnknown         the answer to a commit was lost
└── InvalidDatabaseUrl    DATABASE_URL names no database that can be used
"""


class LogError(Exception):
    """The base of the event log's errors."""


class LogUnavailable(LogError):  # noqa: N818 - named for what happened
    """The event log can't be read or written now."""


class RowLocked(LogUnavailable):
    """Another transaction holds a row or a table that this one needs, and did not let it go in time."""


class EventNotStorable(LogError):  # noqa: N818
    """The database refuses this event, whenever it is tried."""


class SchemaOutdated(LogError):  # noqa: N818
    """The event log's tables are not those of this release; `hooks db upgrade` makes them so."""


class LeaseLost(LogError):  # noqa: N818
    """What was claimed is not held any more, so nothing is written about it."""


class CommitUnknown(LogError):  # noqa: N818
    """The connection was lost in a commit: it was done, or it was not."""


class InvalidDatabaseUrl(LogError):  # noqa: N818
    """The database URL names no database that can be used."""
