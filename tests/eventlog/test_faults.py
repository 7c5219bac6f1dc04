import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.faults import Fault, classify


def classified(error: Exception) -> Fault:
    cause = error.__cause__ if isinstance(error, LogUnavailable) else error
    assert isinstance(cause, DBAPIError)
    return classify(cause)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("INSERT INTO events (id) VALUES ('evt_1')", Fault.CONTRADICTION),
        ("INSERT INTO bodies VALUES (99, x'00', 0, x'00')", Fault.CONTRADICTION),
        ("INSERT INTO events (seq, id) VALUES ('no number', 'evt_1')", Fault.BAD_ROW),
        ("SELECT zeroblob(2000000000)", Fault.BAD_ROW),
        ("SELECT * FROM tables_of_another_release", Fault.UNAVAILABLE),
        ("PRAGMA query_only = ON; --", Fault.UNAVAILABLE),
    ],
    ids=["constraint", "foreign key", "mismatch", "too big", "no such table", "read only"],
)
def test_sqlite_errors_are_told_apart(sqlite_log: EventLog, statement: str, fault: Fault) -> None:
    def work() -> None:
        with sqlite_log.write() as connection:
            connection.execute(text(statement))
            connection.execute(text("DELETE FROM heartbeats"))

    with pytest.raises((DBAPIError, LogUnavailable)) as error:
        work()
    assert classified(error.value) is fault


def test_a_full_disk_is_no_fault_of_the_row(sqlite_log: EventLog) -> None:
    def fill() -> None:
        with sqlite_log.write() as connection:
            connection.execute(text("PRAGMA max_page_count = 1"))
            connection.execute(text("CREATE TABLE filling AS SELECT zeroblob(9000000)"))

    with pytest.raises(LogUnavailable, match="full") as error:
        fill()
    assert classified(error.value) is Fault.UNAVAILABLE


def test_a_locked_sqlite_file_is_no_fault_of_the_row(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
    with pytest.raises(DBAPIError) as error, engine.connect() as connection:
        connection.execute(text("CREATE TABLE things (id)"))
    holder.close()
    engine.dispose()
    assert classify(error.value) is Fault.UNAVAILABLE


@pytest.mark.parametrize(
    ("sqlstate", "fault"),
    [
        ("40001", Fault.COLLISION),  # serialization failure
        ("40P01", Fault.COLLISION),  # deadlock detected
        ("22001", Fault.BAD_ROW),  # string too long
        ("22021", Fault.BAD_ROW),  # character not in the repertoire
        ("23502", Fault.CONTRADICTION),  # not-null violation
        ("23505", Fault.CONTRADICTION),  # unique violation
        ("54000", Fault.BAD_ROW),  # index row too large
        ("08006", Fault.UNAVAILABLE),  # connection failure
        ("25006", Fault.UNAVAILABLE),  # read-only transaction: a standby
        ("28P01", Fault.UNAVAILABLE),  # wrong password
        ("40003", Fault.UNAVAILABLE),  # statement completion unknown
        ("42P01", Fault.UNAVAILABLE),  # no such table
        ("53100", Fault.UNAVAILABLE),  # disk full
        ("53300", Fault.UNAVAILABLE),  # too many connections
        ("55P03", Fault.LOCKED),  # lock not available
        ("57P01", Fault.UNAVAILABLE),  # the server is being stopped
        ("XX001", Fault.UNAVAILABLE),  # data corrupted
    ],
)
def test_postgresql_errors_are_told_apart(postgres_log: EventLog, sqlstate: str, fault: Fault) -> None:
    def work() -> None:
        with postgres_log.write() as connection:
            connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{sqlstate}'; END $$"))

    with pytest.raises((DBAPIError, LogUnavailable)) as error:
        work()
    assert classified(error.value) is fault


def test_a_nul_in_text_is_a_bad_row_on_postgresql(postgres_log: EventLog) -> None:
    def work() -> None:
        with postgres_log.write() as connection:
            connection.execute(text("SELECT CAST(:value AS text)"), {"value": "a\x00b"})

    with pytest.raises(DBAPIError) as error:
        work()
    assert classify(error.value) is Fault.BAD_ROW


def test_an_index_entry_that_is_too_long_is_a_bad_row_on_postgresql(postgres_log: EventLog) -> None:
    def work() -> None:
        with postgres_log.write() as connection:
            connection.execute(text("CREATE TABLE things (name text PRIMARY KEY)"))
            value = "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 1000))"
            connection.execute(text(f"INSERT INTO things VALUES ({value})"))

    with pytest.raises(DBAPIError) as error:
        work()
    assert classify(error.value) is Fault.BAD_ROW


def test_a_server_that_can_not_be_reached_is_no_fault_of_the_row(tmp_path: Path) -> None:
    log = EventLog.open(f"postgresql://u@/d?host={tmp_path}")
    with pytest.raises(LogUnavailable) as error, log.read():
        pass
    assert classified(error.value) is Fault.UNAVAILABLE
