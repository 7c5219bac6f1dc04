import os
import shutil
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import Connection, text, update

from eventlog.acceptance import record
from eventlog.arrival import Receipt
from eventlog.database import EventLog, parse_url
from eventlog.errors import InvalidDatabaseUrl, LogUnavailable
from eventlog.tables import events
from tests.eventlog.rows import count_events, event_row
from tests.eventlog.stored import accept, an_event, opened
from tests.servers.postgres import PostgreSQL

NOBODY = 65534
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "url", ["postgres://u:secret@h/d", "postgresql://u:secret@h/d", "postgresql+psycopg2://u:secret@h/d"]
)
def test_every_form_of_postgresql_url_is_taken(url: str) -> None:
    assert parse_url(url).render_as_string(hide_password=False) == "postgresql+psycopg://u:secret@h/d"


def test_an_sqlite_path_does_not_depend_on_later_changes_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_url("sqlite:///events.db").database == str(tmp_path / "events.db")


@pytest.mark.parametrize(
    "url",
    [
        "user:secret@host/name",
        "mysql://user:secret@host/name",
        "postgresql://user:secret@host:54x/name",
        "postgresql://user:se@cret:secret@host/name",
        "postgresql://user:secret@[::1/name",
        "sqlite://",
        "sqlite:///:memory:",
        "",
    ],
)
def test_an_unusable_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(InvalidDatabaseUrl) as refusal:
        EventLog.open(url)
    assert "secret" not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize("url", ["postgresql://u:secret@h/d", "postgresql://h/d?user=u&password=secret"])
def test_where_the_log_is_can_be_said_without_the_password(url: str) -> None:
    location = EventLog.open(url).location
    assert "secret" not in location
    assert location.startswith("postgresql+psycopg://")


def test_an_unreachable_server_is_told_without_the_password(tmp_path: Path) -> None:
    with closing(EventLog.open(f"postgresql://u:secret@/d?host={tmp_path}")) as log:
        with pytest.raises(LogUnavailable) as unavailable:
            record(log, [an_event("evt_1")])
        assert "secret" not in "".join(traceback.format_exception(unavailable.value))


def test_sqlite_writes_ahead_and_syncs_every_commit(sqlite_log: EventLog) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(sqlite_log.read()) for _ in range(3)]
        connections.append(stack.enter_context(sqlite_log.write()))
        for connection in connections:
            values = [
                connection.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
            assert values == ["wal", 2, 1]  # 2 is FULL


def test_a_writer_on_sqlite_has_the_right_to_write_from_the_start(
    sqlite_log: EventLog, sqlite_url: str
) -> None:
    with sqlite_log.write(), closing(_raw(sqlite_url)) as other:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        assert other.execute("SELECT count(*) FROM events").fetchone() == (0,)


def test_readers_need_not_wait_for_a_writer(log: EventLog) -> None:
    accept(log, "evt_1")
    with log.write() as connection:
        connection.execute(update(events).values(type="changed"))
        assert event_row(log, "evt_1").type == "memory.stored"
    assert event_row(log, "evt_1").type == "changed"


def test_a_transaction_that_fails_leaves_nothing_behind(log: EventLog) -> None:
    accept(log, "evt_1")

    def change_and_fail(connection: Connection) -> None:
        connection.execute(update(events).values(type="changed"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        log.write_again_after_collisions(change_and_fail)
    assert event_row(log, "evt_1").type == "memory.stored"
    accept(log, "evt_2")  # and the next writer is let in


def test_a_writer_killed_in_its_transaction_leaves_nothing_behind(
    sqlite_log: EventLog, sqlite_url: str
) -> None:
    accept(sqlite_log, "evt_1")
    program = (
        "import sys, time; from eventlog.database import EventLog; from sqlalchemy import text\n"
        "with EventLog.open(sys.argv[1]).write() as connection:\n"
        "    connection.execute(text(\"UPDATE events SET type = 'changed'\"))\n"
        "    print('written', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, sqlite_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "written\n"
        writer.kill()
    assert record(sqlite_log, [an_event("evt_2")]) == [Receipt.NEW]
    assert event_row(sqlite_log, "evt_1").type == "memory.stored"


def test_an_sqlite_file_locked_for_too_long_is_unavailable_until_it_is_let_go(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.database._BUSY_SECONDS", 0.2)
    with closing(opened(sqlite_url)) as log, closing(_raw(sqlite_url)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LogUnavailable, match="locked"):
            record(log, [an_event("evt_1")])
        assert count_events(log) == 0
        other.execute("ROLLBACK")
        assert record(log, [an_event("evt_1")]) == [Receipt.NEW]


def test_an_sqlite_file_that_may_not_be_written_is_unavailable() -> None:
    folder = Path(mkdtemp(dir="/tmp"))  # pytest's own folders are closed to other users
    try:
        with closing(opened(f"sqlite:///{folder / 'events.db'}")) as log:
            accept(log, "evt_1")
        for path in folder.iterdir():
            path.chmod(0o444 if path.name == "events.db" else 0o666)
        with _unprivileged(folder), closing(EventLog.open(f"sqlite:///{folder / 'events.db'}")) as log:
            with pytest.raises(LogUnavailable, match="readonly"):
                record(log, [an_event("evt_2")])
            assert count_events(log) == 1
    finally:
        shutil.rmtree(folder)


def test_a_folder_that_vanished_makes_the_log_unavailable(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    with closing(opened(f"sqlite:///{folder / 'events.db'}")) as log:
        accept(log, "evt_1")
        shutil.rmtree(folder)
        with pytest.raises(LogUnavailable):
            record(log, [an_event("evt_2")])
        folder.mkdir()
        with pytest.raises(LogUnavailable):
            record(log, [an_event("evt_2")])  # a log without tables: nothing may be acknowledged


def test_a_log_put_in_the_place_of_another_is_the_one_written(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with closing(opened(f"sqlite:///{path}")) as log:
        accept(log, "evt_1")
        for file in tmp_path.iterdir():
            file.unlink()
        with closing(opened(f"sqlite:///{path}")) as restored:
            assert record(log, [an_event("evt_2")]) == [Receipt.NEW]
            assert event_row(restored, "evt_2").seen == 1


def test_a_folder_that_never_was_makes_the_log_unavailable(tmp_path: Path) -> None:
    with closing(EventLog.open(f"sqlite:///{tmp_path / 'none' / 'events.db'}")) as log:
        with pytest.raises(LogUnavailable):
            count_events(log)
        with pytest.raises(LogUnavailable):
            record(log, [an_event("evt_1")])


def test_a_file_that_is_no_database_makes_the_log_unavailable(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"no database at all" * 100)
    log = EventLog.open(f"sqlite:///{tmp_path / 'events.db'}")
    with closing(log), pytest.raises(LogUnavailable, match="not a database"):
        count_events(log)


def test_a_stopped_postgresql_makes_the_log_unavailable_until_it_is_back(
    postgres: PostgreSQL, postgres_log: EventLog
) -> None:
    accept(postgres_log, "evt_1")
    postgres.stop()
    with pytest.raises(LogUnavailable):
        record(postgres_log, [an_event("evt_2")])
    with pytest.raises(LogUnavailable):
        count_events(postgres_log)
    postgres.start()
    assert record(postgres_log, [an_event("evt_1"), an_event("evt_2")]) == [Receipt.DUPLICATE, Receipt.NEW]


def test_idle_connections_that_were_cut_are_replaced_unnoticed(
    postgres_log: EventLog, postgres_url: str
) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(postgres_log.read())
    _cut_all(postgres_url)
    assert record(postgres_log, [an_event("evt_1")]) == [Receipt.NEW]


_CUT_IN_THE_COMMIT = """
    CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$;
    CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION cut();
"""


@pytest.mark.parametrize("copies", [1, 2], ids=["one statement", "a transaction"])
def test_a_connection_lost_in_its_commit_acknowledges_nothing_and_the_next_try_tells(
    postgres_log: EventLog, postgres_url: str, copies: int
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(_CUT_IN_THE_COMMIT)
        with pytest.raises(LogUnavailable):
            record(postgres_log, [an_event("evt_1")] * copies)
        admin.execute("DROP TRIGGER cut ON events")
    assert record(postgres_log, [an_event("evt_1")]) == [Receipt.NEW]


def test_when_all_connections_are_busy_the_log_is_unavailable(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.database._BUSY_SECONDS", 0.1)
    with closing(opened(postgres_url)) as log, ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(log.read())
        with pytest.raises(LogUnavailable, match="busy"):
            count_events(log)
        stack.pop_all().close()
        assert count_events(log) == 0


def test_two_transactions_that_deadlock_both_succeed_in_the_end(postgres_log: EventLog) -> None:
    accept(postgres_log, "a", "b")
    both_hold_one = Barrier(2)
    tries = []

    def swap(first: str, then: str) -> None:
        def work(connection: Connection) -> None:
            tries.append(first)
            for event_id in (first, then):
                connection.execute(
                    update(events).where(events.c.id == event_id).values(seen=events.c.seen + 1)
                )
                if event_id == first and tries.count(first) == 1:
                    both_hold_one.wait()

        postgres_log.write_again_after_collisions(work)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(swap, "ab", "ba"))
    assert len(tries) == 3  # one of the two was the deadlock's victim, and ran again
    assert (event_row(postgres_log, "a").seen, event_row(postgres_log, "b").seen) == (3, 3)


def test_endless_collisions_make_the_log_unavailable(postgres_log: EventLog) -> None:
    tries = []

    def work(connection: Connection) -> None:
        tries.append(1)
        connection.execute(text("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$"))

    with pytest.raises(LogUnavailable, match="collided"):
        postgres_log.write_again_after_collisions(work)
    assert len(tries) == 5


def _raw(url: str) -> sqlite3.Connection:
    return sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)


def _cut_all(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        cut = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'chaozcode-hooks' AND datname = current_database()"
        ).fetchall()
    assert cut


@contextmanager
def _unprivileged(folder: Path) -> Iterator[None]:
    """Lay down root's rights where the tests run as root, who may write every file; the folder stays open."""
    folder.chmod(0o777)
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_on_sqlite_only_what_may_be_undone_by_a_power_cut_waits_for_no_disk(sqlite_log: EventLog) -> None:
    asked = text("PRAGMA synchronous")
    with sqlite_log.write() as connection:
        assert connection.execute(asked).scalar_one() == 2, "FULL: synced at each commit"
    with sqlite_log.write_soon_durable() as connection:
        assert connection.execute(asked).scalar_one() == 1, "NORMAL: synced with what comes next"
        connection.execute(text("CREATE TABLE seen (at INTEGER)"))
    with sqlite_log.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM seen")).scalar_one() == 0
