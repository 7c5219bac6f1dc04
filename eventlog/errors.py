"""What can go wrong with the event log.

LogError
├── LogUnavailable        it can't take or give anything now; try again later
├── EventNotStorable      this one event can't be stored, and never will be
├── SchemaOutdated        the tables are not those of this release
└── InvalidDatabaseUrl    DATABASE_URL names no database that can be used
"""


class LogError(Exception):
    """The base of the event log's errors."""


class LogUnavailable(LogError):  # noqa: N818 - named for what happened
    """The event log can't be read or written now."""


class EventNotStorable(LogError):  # noqa: N818
    """The database refuses this event, whenever it is tried."""


class SchemaOutdated(LogError):  # noqa: N818
    """The event log's tables are not those of this release; `hooks db upgrade` makes them so."""


class InvalidDatabaseUrl(LogError):  # noqa: N818
    """The database URL names no database that can be used."""
