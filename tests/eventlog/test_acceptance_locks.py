"""Arrivals beside transactions that hold rows, or the same id, for long; only PostgreSQL has such."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from eventlog.acceptance import record
from eventlog.arrival import Receipt
from eventlog.database import EventLog
from eventlog.errors import RowLocked
from tests.eventlog.rows import bodies_of, event_row
from tests.eventlog.stored import an_event

NEW, DUPLICATE, DIFFERS, LOCKED = Receipt.NEW, Receipt.DUPLICATE, Receipt.DIFFERS, Receipt.LOCKED


@contextmanager
def holding(url: str, statement: str) -> Iterator[None]:
    """Keep a transaction open that ran the statement."""
    with psycopg.connect(url) as connection:
        connection.execute(statement)
        yield
        connection.rollback()


def test_a_duplicate_whose_row_is_held_waits_for_no_one_and_delays_no_neighbour(
    postgres_log: EventLog, postgres_url: str
) -> None:
    record(postgres_log, [an_event("evt_held"), an_event("evt_free")])
    batch = [*(an_event(f"evt_{number}") for number in range(60)), an_event("evt_held"), an_event("evt_free")]
    with holding(postgres_url, "SELECT FROM events WHERE id = 'evt_held' FOR UPDATE"):
        assert record(postgres_log, batch) == [NEW] * 60 + [LOCKED, DUPLICATE]
    assert record(postgres_log, [an_event("evt_held")]) == [DUPLICATE]
    assert (event_row(postgres_log, "evt_held").seen, event_row(postgres_log, "evt_free").seen) == (2, 2)


def test_an_id_that_a_hanging_transaction_has_inserted_fails_alone(
    postgres_log: EventLog, postgres_url: str
) -> None:
    insert = (
        "INSERT INTO events (id, type, received_at, body_sha256, state, seen)"
        " VALUES ('evt_5', 't', 0, '', 'queued', 1)"
    )
    batch = [an_event(f"evt_{number}") for number in range(16)]
    with holding(postgres_url, insert):
        receipts = record(postgres_log, batch)
    assert receipts == [LOCKED if number == 5 else NEW for number in range(16)]
    assert record(postgres_log, batch) == [NEW if number == 5 else DUPLICATE for number in range(16)]


def test_a_table_that_is_locked_takes_nothing(postgres_log: EventLog, postgres_url: str) -> None:
    with (
        holding(postgres_url, "LOCK TABLE events IN ACCESS EXCLUSIVE MODE"),
        pytest.raises(RowLocked, match="held up by another transaction"),
    ):
        record(postgres_log, [an_event(f"evt_{number}") for number in range(200)])
    assert record(postgres_log, [an_event("evt_1")]) == [NEW]


def test_what_a_worker_holds_is_neither_locked_nor_uncounted(
    postgres_log: EventLog, postgres_url: str
) -> None:
    record(postgres_log, [an_event("evt_1")])
    with holding(postgres_url, "SELECT FROM events WHERE id = 'evt_1' FOR KEY SHARE"):
        assert record(postgres_log, [an_event("evt_1", body=b"another")]) == [DIFFERS]
    assert event_row(postgres_log, "evt_1").seen == 2
    assert len(bodies_of(postgres_log, "evt_1")) == 2
