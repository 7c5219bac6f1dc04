from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
from sqlalchemy import Connection, text

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.listing import read_arrivals
from eventlog.open_transactions import settled_upto
from eventlog.selection import Selection
from tests.eventlog.rows import event_row
from tests.eventlog.stored import accept, an_event, open_intake
from tests.servers.postgres import PostgreSQL


def settled(log: EventLog) -> int:
    with log.read() as connection:
        return settled_upto(connection)


def test_nothing_is_settled_in_an_empty_log(log: EventLog) -> None:
    assert settled(log) == 0


def test_all_that_is_committed_is_settled_when_no_intake_is_open(log: EventLog) -> None:
    accept(log, "a", "b", "c")
    assert settled(log) == event_row(log, "c").seq


def test_the_first_event_of_all_is_not_settled_before_it_is_committed(postgres_log: EventLog) -> None:
    with open_intake(postgres_log, an_event("first")):
        assert settled(postgres_log) == 0
        accept(postgres_log, "second")
        assert settled(postgres_log) == 0
    assert settled(postgres_log) == event_row(postgres_log, "second").seq


def test_events_above_an_open_intake_are_not_settled(postgres_log: EventLog) -> None:
    accept(postgres_log, "before")
    with open_intake(postgres_log, an_event("slow")):
        accept(postgres_log, "after")
        assert settled(postgres_log) == event_row(postgres_log, "before").seq
        with open_intake(postgres_log, an_event("slower")):
            pass
        assert settled(postgres_log) == event_row(postgres_log, "before").seq
    assert event_row(postgres_log, "slow").seq < event_row(postgres_log, "after").seq
    assert settled(postgres_log) == event_row(postgres_log, "slower").seq


def test_an_intake_that_was_rolled_back_holds_nothing_up(postgres_log: EventLog) -> None:
    accept(postgres_log, "before")
    with suppress(ZeroDivisionError), open_intake(postgres_log, an_event("slow")):
        accept(postgres_log, "after")
        raise ZeroDivisionError
    assert settled(postgres_log) == event_row(postgres_log, "after").seq


def test_locks_of_others_hold_nothing_up(
    postgres: PostgreSQL, postgres_log: EventLog, postgres_url: str
) -> None:
    accept(postgres_log, "before")
    elsewhere = postgres.fresh_database()
    ours = 0x4843 << 48
    with psycopg.connect(elsewhere) as other_database, psycopg.connect(postgres_url) as other_program:
        other_database.execute("SELECT pg_advisory_xact_lock_shared(%s)", [ours])
        other_program.execute("SELECT pg_advisory_xact_lock(0), pg_advisory_xact_lock(%s, 0)", [0x4843 << 16])
        assert settled(postgres_log) == event_row(postgres_log, "before").seq
    postgres.drop_database(elsewhere)


def test_a_log_of_more_events_than_32_bits_count_is_settled_alike(postgres_log: EventLog) -> None:
    with postgres_log.write() as connection:
        connection.execute(text("SELECT setval('events_seq_seq', 5000000000)"))
    accept(postgres_log, "before")
    with open_intake(postgres_log, an_event("slow")):
        accept(postgres_log, "after")
        assert settled(postgres_log) == 5_000_000_001
    assert settled(postgres_log) == 5_000_000_003


def test_a_reader_with_a_cursor_misses_nothing_that_busy_writers_commit(log: EventLog) -> None:
    def write(writer: int) -> None:
        for number in range(60):
            record(log, [an_event(f"{writer}_{number}")])

    read: list[str] = []
    cursor = 0
    with ThreadPoolExecutor(6) as threads:
        writers = [threads.submit(write, writer) for writer in range(6)]
        over = False
        while not over:
            over = all(writer.done() for writer in writers)
            arrivals = read_arrivals(log, Selection(), after=cursor, limit=1000)
            read += [event.id for event in arrivals.events]
            cursor = arrivals.cursor
        for writer in writers:
            writer.result()
    assert sorted(read) == sorted(f"{writer}_{number}" for writer in range(6) for number in range(60))


def test_a_transaction_that_takes_nothing_in_holds_nothing_up(postgres_log: EventLog) -> None:
    accept(postgres_log, "before")

    def change(connection: Connection) -> int:
        connection.execute(text("UPDATE events SET type = 'changed'"))
        return settled(postgres_log)

    assert postgres_log.write_again_after_collisions(change) == event_row(postgres_log, "before").seq
