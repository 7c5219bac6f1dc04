"""Whether the log's tables are those of this release, and making them so."""

from typing import Final

from sqlalchemy import Connection, inspect, text

from eventlog.database import EventLog
from eventlog.errors import SchemaOutdated
from eventlog.revision import HEAD

_ONE_AT_A_TIME: Final = 0x4843_0001


def check_schema(log: EventLog) -> None:
    """Raise `SchemaOutdated` unless the tables are those of this release, saying what to do."""
    with log.read() as connection:
        found = _revision(connection)
    if found is None:
        raise SchemaOutdated(f"the event log at {log.location} has no tables yet; run: hooks db upgrade")
    if found != HEAD:
        raise SchemaOutdated(
            f"the event log at {log.location} has tables of revision {found}, this release needs {HEAD};"
            " run: hooks db upgrade"
        )


def upgrade(log: EventLog) -> bool:
    """Bring the tables to this release, in one transaction; tell whether there was anything to do.

    Raises `SchemaOutdated` when the tables come from a newer release.
    """
    with log.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        found = _revision(connection)
        if found == HEAD:
            return False
        _migrate(log, connection)
    return True


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _migrate(log: EventLog, connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - needed on the first start only, and slow to load
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "eventlog:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise SchemaOutdated(
            f"the event log at {log.location} can't be brought to this release: {error};"
            " was it upgraded by a newer release of chaozcode-hooks?"
        ) from error
