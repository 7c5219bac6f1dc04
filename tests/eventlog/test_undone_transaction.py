import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.outcome import Result
from eventlog.schema import upgrade
from eventlog.states import State
from eventlog.undone_transaction import ControlledByHand, UndoneTransaction, begin_undone
from eventlog.written_rows import WrittenRows

DONE = Result(
    seq=1,
    handler="h",
    attempt=1,
    failures=0,
    state=State.DONE,
    started_at=datetime(2026, 1, 30, tzinfo=UTC),
    duration=timedelta(0),
)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "my_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str] = mapped_column(String(50))


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    opened = EventLog.open(database_url)
    upgrade(opened)
    with opened.write() as connection:
        Base.metadata.create_all(connection)
        connection.execute(insert(Note), [{"words": "old"}] * 3)
    yield opened
    opened.close()


def kept(log: EventLog) -> list[tuple[int, str]]:
    with log.read() as connection:
        return [
            (row.id, row.words) for row in connection.execute(select(Note.id, Note.words).order_by(Note.id))
        ]


OLD = [(1, "old"), (2, "old"), (3, "old")]


def test_rows_of_the_orm_are_counted_and_undone(log: EventLog) -> None:
    written = WrittenRows()
    with begin_undone(log, seconds=5, written=written) as transaction:
        session = transaction.session
        session.add_all(Note(words="new") for _ in range(1_100))  # more than one batch
        session.add(Note(id=5_000, words="with its key"))
        found = session.get(Note, 1)
        assert found is not None
        found.words = "changed"
        session.delete(session.get(Note, 2))
        transaction.commit(DONE)
    assert written.rows == {"my_notes": {"inserted": 1_101, "updated": 1, "deleted": 1}}
    assert written.statements == {}
    assert kept(log) == OLD


def test_rows_of_core_and_text_are_counted_and_undone(log: EventLog) -> None:
    written = WrittenRows()
    with begin_undone(log, seconds=5, written=written) as transaction:
        session = transaction.session
        session.execute(insert(Note), [{"id": 10, "words": "a"}, {"id": 11, "words": "b"}])
        session.execute(insert(Note).values([{"id": 12, "words": "a"}, {"id": 13, "words": "b"}]))
        assert session.execute(update(Note).values(words="x").returning(Note.id)).all()
        session.execute(delete(Note).where(Note.id > 11))
        session.execute(text("INSERT INTO my_notes (id, words) VALUES (20, 'commit; commit'), (21, 't')"))
        session.execute(text("update my_notes set words = 'y' where id = 20"))
        session.execute(text("DELETE FROM my_notes WHERE id = 99"))
        session.execute(text("WITH few AS (SELECT 1) DELETE FROM my_notes"))
        session.execute(text("CREATE TABLE my_own (a int)"))
        session.execute(text("INSERT INTO my_own VALUES (1)"))
        transaction.commit(DONE)
    assert written.rows == {
        "my_notes": {"inserted": 6, "updated": 8, "deleted": 2},
        "my_own": {"inserted": 1},
    }
    assert written.statements == {"WITH": 1, "CREATE": 1}
    assert kept(log) == OLD
    with log.read() as connection:
        assert "my_own" not in inspect(connection).get_table_names()


def test_a_commit_of_the_users_keeps_nothing_and_a_rollback_takes_its_rows_from_the_count(
    log: EventLog,
) -> None:
    written = WrittenRows()
    with begin_undone(log, seconds=5, written=written) as transaction:
        session = transaction.session
        session.add(Note(id=10, words="a"))
        session.commit()
        session.add(Note(id=11, words="b"))
        assert session.scalar(select(Note.words).where(Note.id == 11)) == "b"
        session.rollback()
        with session.begin_nested() as nested:
            session.add(Note(id=12, words="c"))
            session.flush()
            nested.rollback()
        session.add(Note(id=13, words="d"))
        transaction.commit(DONE)
    assert written.rows == {"my_notes": {"inserted": 2}}
    assert kept(log) == OLD


@pytest.mark.parametrize(
    "statement",
    [
        "COMMIT",
        "  end;",
        "/* a */ COMMIT",
        "-- a\nrollback",
        "INSERT INTO my_notes (id, words) VALUES (7, 'x'); COMMIT",
        "BEGIN",
    ],
)
def test_a_statement_that_would_end_the_transaction_is_refused(log: EventLog, statement: str) -> None:
    with begin_undone(log, seconds=5, written=WrittenRows()) as transaction:
        transaction.session.add(Note(id=10, words="a"))
        transaction.session.flush()
        with pytest.raises(ControlledByHand, match=r"use session\.commit"):
            transaction.session.execute(text(statement))
    assert kept(log) == OLD


def test_not_even_the_driver_can_commit(log: EventLog) -> None:
    with begin_undone(log, seconds=5, written=WrittenRows()) as transaction:
        transaction.session.add(Note(id=10, words="a"))
        transaction.session.flush()
        driver = transaction.session.connection().connection.driver_connection
        assert driver is not None
        with pytest.raises((sqlite3.DatabaseError, psycopg.errors.UniqueViolation)):
            driver.commit()
    assert kept(log) == OLD
    with log.write() as connection:  # the connection that is used again commits as ever
        connection.execute(insert(Note).values(id=4, words="kept"))
    assert kept(log) == [*OLD, (4, "kept")]


def test_what_the_database_refuses_is_raised(log: EventLog) -> None:
    with begin_undone(log, seconds=5, written=WrittenRows()) as transaction:
        transaction.session.add(Note(id=1, words="again"))
        with pytest.raises(IntegrityError):
            transaction.commit(DONE)
    assert kept(log) == OLD


def test_a_constraint_that_postgresql_looks_at_last_is_looked_at_too(postgres_url: str) -> None:
    tables = MetaData()
    Table("my_parents", tables, Column("id", Integer, primary_key=True))
    children = Table(
        "my_children",
        tables,
        Column("parent", ForeignKey("my_parents.id", deferrable=True, initially="DEFERRED")),
    )
    log = EventLog.open(postgres_url)
    with log.write() as connection:
        tables.create_all(connection)
    with begin_undone(log, seconds=5, written=WrittenRows()) as transaction:
        transaction.session.execute(insert(children).values(parent=1))
        with pytest.raises(IntegrityError, match="my_children"):
            transaction.commit(DONE)
    log.close()


def test_an_error_in_the_block_stays_as_it_is_and_the_log_can_be_written_again(log: EventLog) -> None:
    def stop(transaction: UndoneTransaction) -> None:
        transaction.session.add(Note(id=10, words="a"))
        transaction.session.flush()
        raise KeyError("colour")

    with (
        pytest.raises(KeyError, match="colour"),
        begin_undone(log, seconds=5, written=WrittenRows()) as transaction,
    ):
        stop(transaction)
    with log.write() as connection:
        connection.execute(insert(Note).values(id=4, words="kept"))
    assert kept(log) == [*OLD, (4, "kept")]


def test_postgresql_ends_a_transaction_that_its_process_forgot(postgres_url: str) -> None:
    log = EventLog.open(postgres_url)
    with begin_undone(log, seconds=0.1, written=WrittenRows()) as transaction, pytest.raises(DBAPIError):
        transaction.session.execute(text("SELECT pg_sleep(30)"))
    log.close()


def test_a_log_that_is_away_is_told_before_the_block(sqlite_url: str) -> None:
    log = EventLog.open(sqlite_url.replace("events.db", "no/such/events.db"))
    with pytest.raises(LogUnavailable), begin_undone(log, seconds=5, written=WrittenRows()):
        pytest.fail("the block was entered")
