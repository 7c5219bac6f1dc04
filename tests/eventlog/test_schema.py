import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text

from eventlog.acceptance import record
from eventlog.arrival import Receipt
from eventlog.database import EventLog
from eventlog.errors import LogError, LogUnavailable, SchemaOutdated
from eventlog.revision import HEAD
from eventlog.schema import check_schema, read_revision, upgrade
from eventlog.tables import metadata
from tests.eventlog.later_migration import LATER, later_migrations
from tests.eventlog.rows import bodies_of
from tests.eventlog.stored import accept, an_event
from tests.servers.waiting import wait_until

pytestmark = pytest.mark.without_tables

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(database_url: str) -> Iterator[EventLog]:
    """Return a log without tables."""
    with closing(EventLog.open(database_url)) as log:
        yield log


def alembic(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "eventlog:migrations")
    config.attributes["connection"] = connection
    return config


_SPACED = str.maketrans({",": " ", "(": " ( ", ")": " ) "})


def definitions(log: EventLog) -> set[tuple[str, str]]:
    """Give each index and table with its definition, as the database tells it, in one spelling."""
    query = (
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        if log.is_sqlite
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL"
        " SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace"
    )
    with log.read() as connection:
        return {
            # Clauses may come in any order, and so next to any bracket.
            (name, " ".join(sorted(definition.translate(_SPACED).split())))
            for name, definition in connection.execute(text(query))
            if not name.startswith(("alembic_version", "sqlite_"))
        }


def test_the_migrations_make_the_tables_of_this_release(bare: EventLog) -> None:
    assert upgrade(bare)
    with bare.read() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_indexes_and_constraints_to_the_letter(bare: EventLog) -> None:
    upgrade(bare)
    migrated = definitions(bare)
    with bare.write() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    made = definitions(bare)
    assert migrated == made
    assert {"ix_events_unfinished", "ix_deliveries_unfinished_replays"} <= {name for name, _ in made}


def test_bodies_are_compressed_by_lz4_where_the_server_offers_it(postgres_url: str) -> None:
    chosen = (
        "SELECT attcompression FROM pg_attribute WHERE attrelid = 'bodies'::regclass AND attname = 'body'"
    )
    offered = "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"
    with closing(EventLog.open(postgres_url)) as log:
        upgrade(log)
        with log.read() as connection:
            is_offered = "lz4" in connection.execute(text(offered)).scalar_one()
            assert connection.execute(text(chosen)).scalar_one() == ("l" if is_offered else "")


def test_a_server_that_offers_lz4_is_told_to_use_it(postgres_url: str) -> None:
    # The tests' own server may lack it: one that claims to have it refuses what it is told.
    claim = (
        "CREATE TEMP VIEW pg_settings AS"
        " SELECT 'default_toast_compression' AS name, '{lz4}'::text[] AS enumvals"
    )
    told: list[str] = []
    with closing(EventLog.open(postgres_url)) as log:
        upgrade(log)
        event.listen(
            log._engine, "before_cursor_execute", lambda _c, _u, statement, *_: told.append(statement)
        )
        with suppress(LogUnavailable), log.write() as connection:
            command.downgrade(alembic(connection), "0006")
            connection.execute(text(claim))
            command.upgrade(alembic(connection), "0007")
    assert "ALTER TABLE bodies ALTER COLUMN body SET COMPRESSION lz4" in told


def test_the_release_names_its_newest_migration() -> None:
    scripts = ScriptDirectory.from_config(alembic())
    assert scripts.get_heads() == [HEAD]


def test_a_second_upgrade_has_nothing_to_do(bare: EventLog) -> None:
    assert upgrade(bare)
    accept(bare, "evt_1")
    assert not upgrade(bare)
    assert record(bare, [an_event("evt_1")]) == [Receipt.DUPLICATE]


def test_processes_that_upgrade_at_once_do_it_once(bare: EventLog, database_url: str) -> None:
    program = (
        "import sys; from eventlog.database import EventLog\n"
        "from eventlog.schema import check_schema, upgrade\n"
        "log = EventLog.open(sys.argv[1]); sys.stdin.readline()\n"
        "print(upgrade(log)); check_schema(log)"
    )
    started: list[subprocess.Popen[str]] = [
        subprocess.Popen(
            [sys.executable, "-c", program, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(4)
    ]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda process: process.communicate("go\n", timeout=60)[0], started))
    assert sorted(answers) == ["False\n", "False\n", "False\n", "True\n"]
    check_schema(bare)


def test_a_log_without_tables_is_told_how_to_get_them(bare: EventLog) -> None:
    with pytest.raises(SchemaOutdated, match="has no tables yet; run: hooks db upgrade"):
        check_schema(bare)
    upgrade(bare)
    check_schema(bare)


def test_tables_of_a_newer_release_are_used_and_not_touched(bare: EventLog) -> None:
    upgrade(bare)
    with bare.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    check_schema(bare)
    assert not upgrade(bare)
    assert read_revision(bare) == "9999"
    accept(bare, "evt_1")
    assert bodies_of(bare, "evt_1")
    assert isinstance(SchemaOutdated(), LogError)


def test_tables_of_an_older_release_are_refused_until_they_are_upgraded(bare: EventLog) -> None:
    upgrade(bare)
    with bare.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(
        SchemaOutdated, match=f"revision 0000, this release needs {HEAD}; run: hooks db upgrade"
    ):
        check_schema(bare)


def test_tables_of_another_program_are_left_alone(bare: EventLog) -> None:
    upgrade(bare)
    with bare.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(SchemaOutdated, match="is this the database of chaozcode-hooks"):
        upgrade(bare)


def test_revisions_compare_as_text() -> None:
    scripts = ScriptDirectory.from_config(alembic())
    assert all(len(each.revision) == 4 and each.revision.isdecimal() for each in scripts.walk_revisions())


def test_a_later_migration_leaves_what_this_release_uses_in_order(bare: EventLog, tmp_path: Path) -> None:
    upgrade(bare)
    accept(bare, "evt_1")
    assert upgrade(bare, **later_migrations(tmp_path))
    assert read_revision(bare) == LATER
    check_schema(bare)
    assert record(bare, [an_event("evt_1"), an_event("evt_2")]) == [Receipt.DUPLICATE, Receipt.NEW]


def test_an_upgrade_gives_way_to_those_behind_it_and_tries_again(postgres_url: str, tmp_path: Path) -> None:
    with closing(EventLog.open(postgres_url)) as log, ThreadPoolExecutor(1) as threads:
        upgrade(log)
        with log.read() as reader:
            reader.execute(text("SELECT count(*) FROM events"))  # a report that runs for long, say
            upgraded = threads.submit(upgrade, log, **later_migrations(tmp_path))
            wait_until(lambda: waiting_for_locks(reader))
            # Behind the upgrade that waits for the report; without the first giving way, until it is over.
            accept(log, "evt_1", "evt_2")
            assert not upgraded.done()
        assert upgraded.result(timeout=30)
        assert read_revision(log) == LATER


def test_an_upgrade_that_never_gets_its_locks_says_what_to_do(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.schema._PATIENCE_SECONDS", 0.5)
    with closing(EventLog.open(postgres_url)) as log:
        upgrade(log)
        with log.read() as reader:
            reader.execute(text("SELECT count(*) FROM events"))
            with pytest.raises(LogUnavailable, match="find those that run long in pg_stat_activity"):
                upgrade(log, **later_migrations(tmp_path))
        assert read_revision(log) == HEAD


def waiting_for_locks(connection: Connection) -> int:
    count: int = connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one()
    return count


def test_an_upgrade_that_fails_leaves_nothing_behind(bare: EventLog) -> None:
    with bare.write() as connection:
        connection.execute(text("CREATE TABLE failures (id integer)"))  # the last table that is made
    with pytest.raises(Exception, match="failures"):
        upgrade(bare)
    with bare.write() as connection:
        connection.execute(text("DROP TABLE failures"))
    with pytest.raises(SchemaOutdated, match="no tables yet"):
        check_schema(bare)
    assert upgrade(bare)


def test_the_tables_can_be_taken_down_and_made_again(bare: EventLog) -> None:
    upgrade(bare)
    made = definitions(bare)
    with bare.write() as connection:
        command.downgrade(alembic(connection), "base")
    assert definitions(bare) == set()
    assert upgrade(bare)
    assert definitions(bare) == made
    check_schema(bare)


def test_bodies_deliveries_and_failures_go_with_their_event(log: EventLog) -> None:
    accept(log, "evt_1", "evt_2")
    with log.write() as connection:
        connection.execute(text("DELETE FROM events WHERE id = 'evt_1'"))
        left: Any = connection.execute(text("SELECT count(*) FROM bodies")).scalar_one()
    assert left == 1
