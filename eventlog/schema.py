"""Whether the log's tables serve this release, and making them so.

Within a major release migrations only add (tables, nullable columns, indexes). So tables may be newer than
the code that uses them: during a deploy the old processes go on beside the new ones.
"""

import time
from typing import Final

from sqlalchemy import Connection, inspect, text

from eventlog.database import EventLog
from eventlog.errors import LogUnavailable, RowLocked, SchemaOutdated
from eventlog.revision import HEAD

_MIGRATIONS: Final = "eventlog:migrations"
_ONE_AT_A_TIME: Final = 0x4843_0001
_LOCK_MILLISECONDS: Final = 250
"""Less than an intake waits for a lock."""
_PATIENCE_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 0.5


def read_revision(log: EventLog) -> str | None:
    """Give the revision of the log's tables, None without tables. Raises `LogUnavailable`."""
    with log.read() as connection:
        return _revision(connection)


def check_schema(log: EventLog) -> None:
    """Raise `SchemaOutdated` unless the tables have all that this release needs, saying what to do."""
    found = read_revision(log)
    if found is None:
        raise SchemaOutdated(f"the event log at {log.location} has no tables yet; run: hooks db upgrade")
    if not _serves(found, HEAD):
        raise SchemaOutdated(
            f"the event log at {log.location} has tables of revision {found}, this release needs {HEAD};"
            " run: hooks db upgrade"
        )


def upgrade(log: EventLog, *, migrations: str = _MIGRATIONS, head: str = HEAD) -> bool:
    """Bring the tables to this release, in one transaction; tell whether there was anything to do.

    Tables of a newer release are left as they are. Other processes may be at work meanwhile. Raises
    `LogUnavailable`, also when long transactions of others kept the tables locked.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return _upgrade(log, migrations, head)
        except RowLocked as error:
            if time.monotonic() > deadline:
                raise LogUnavailable(
                    f"the tables at {log.location} stayed locked by other transactions for"
                    f" {_PATIENCE_SECONDS:g} s, so nothing was changed; find those that run long in"
                    " pg_stat_activity, end them, and run again: hooks db upgrade"
                ) from error
        time.sleep(_AGAIN_SECONDS)


def _upgrade(log: EventLog, migrations: str, head: str) -> bool:
    with log.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
            # Whoever comes after a waiting ALTER TABLE waits for it too, the receiver first of all: better
            # to give way soon, and to try again.
            connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}"))
        found = _revision(connection)
        if found is not None and _serves(found, head):
            return False
        _migrate(log, connection, migrations)
    return True


def _serves(found: str, needed: str) -> bool:
    # Revisions are numbers with leading zeros, of one length: text compares like them.
    return found >= needed


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _migrate(log: EventLog, connection: Connection, migrations: str) -> None:
    from alembic import command  # noqa: PLC0415 - needed on the first start only, and slow to load
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", migrations)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise SchemaOutdated(
            f"the event log at {log.location} can't be brought to this release: {error};"
            " is this the database of chaozcode-hooks?"
        ) from error
