import hashlib
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text

from eventlog import arrivals_postgresql
from eventlog.acceptance import record
from eventlog.arrival import Receipt
from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.event import Event
from eventlog.states import REQUEUE_GRACE
from eventlog.tables import events
from tests.eventlog.rows import bodies_of, count_events, event_row, seconds_until_due
from tests.eventlog.stored import an_event
from tests.servers.waiting import wait_until

NEW, DUPLICATE, DIFFERS, REFUSED = Receipt.NEW, Receipt.DUPLICATE, Receipt.DIFFERS, Receipt.NOT_STORABLE
LOCKED = Receipt.LOCKED
LONE_SURROGATE = "memory.\ud800"

_DEADLOCKS = """
    SELECT deadlocks FROM pg_stat_database WHERE datname = current_database() AND NOT EXISTS (
        SELECT FROM pg_stat_activity
        WHERE application_name = 'chaozcode-hooks' AND datname = current_database()
    )
"""
_NOTE_THE_SETTING = """
    CREATE TABLE shown (setting text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN INSERT INTO shown VALUES (current_setting('synchronous_commit')); RETURN NULL; END$$;
    CREATE CONSTRAINT TRIGGER note AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION note();
"""


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


@pytest.mark.parametrize(
    "body",
    [
        b'{ "id" :\t"evt_1" ,\r\n "type":"memory.stored"}\n\n',
        b'{"id":"evt_1","data":"\\u00e9\\ud800","data":1e999,"n":12345678901234567890123}',
        b'{"id":"evt_1","data":"a\x00b"}\x00',
        b"\xff\xfe\x80 not UTF-8 \xed\xa0\x80",
        b"",
        bytes(range(256)) * 4096,
    ],
    ids=["odd spacing", "escapes and huge numbers", "NUL", "invalid UTF-8", "empty", "1 MB"],
)
def test_a_body_is_kept_byte_for_byte(log: EventLog, body: bytes) -> None:
    assert record(log, [an_event("evt_1", body=body)]) == [NEW]
    assert bodies_of(log, "evt_1") == {digest(body): body}


def test_an_event_is_kept_with_all_that_is_known_of_it_and_may_be_claimed(log: EventLog) -> None:
    created, received = datetime(1969, 7, 20, 20, 17, 40, 123456, UTC), datetime(2026, 1, 30, 12, tzinfo=UTC)
    full = Event(
        id="evt_é",
        type="memory.stored",
        subject="m-\N{SNOWMAN}",
        created_at=created,
        received_at=received,
        body=b"{}",
    )
    bare = Event(id="evt_2", type="new.type", received_at=received, body=b"{}")
    assert record(log, [full, bare]) == [NEW, NEW]
    row = event_row(log, "evt_é")
    assert (row.type, row.subject, row.created_at, row.received_at) == (
        "memory.stored",
        "m-\N{SNOWMAN}",
        created,
        received,
    )
    assert (row.state, row.lease, row.seen, row.body_sha256) == ("queued", None, 1, digest(b"{}"))
    assert REQUEUE_GRACE.total_seconds() - 4 < seconds_until_due(log, row) <= REQUEUE_GRACE.total_seconds()
    assert (event_row(log, "evt_2").subject, event_row(log, "evt_2").created_at) == (None, None)


def test_an_empty_batch_is_recorded(log: EventLog) -> None:
    assert record(log, []) == []


def test_the_same_event_again_is_a_duplicate_and_counted(log: EventLog) -> None:
    assert record(log, [an_event("evt_1")]) == [NEW]
    first = event_row(log, "evt_1")
    assert record(log, [an_event("evt_1", "agent.failed")]) == [DUPLICATE]
    assert record(log, [an_event("evt_1")]) == [DUPLICATE]
    again = event_row(log, "evt_1")
    assert (again.seen, again.type, again.seq) == (3, first.type, first.seq)
    assert (again.state, again.due_at, again.received_at) == (first.state, first.due_at, first.received_at)


def test_bodies_that_differ_are_kept_beside_the_first_across_batches(log: EventLog) -> None:
    for body, receipt in ((b"1", NEW), (b"2", DIFFERS), (b"3", DIFFERS), (b"2", DIFFERS), (b"1", DUPLICATE)):
        assert record(log, [an_event("evt_1", body=body)]) == [receipt]
    assert bodies_of(log, "evt_1") == {digest(body): body for body in (b"1", b"2", b"3")}
    assert (event_row(log, "evt_1").body_sha256, event_row(log, "evt_1").seen) == (digest(b"1"), 5)


def test_bodies_that_differ_are_kept_beside_the_first_in_one_batch(log: EventLog) -> None:
    batch = [an_event("evt_1", body=body) for body in (b"2", b"1", b"2", b"3")]
    assert record(log, batch) == [NEW, DIFFERS, DUPLICATE, DIFFERS]
    assert set(bodies_of(log, "evt_1").values()) == {b"1", b"2", b"3"}
    assert (event_row(log, "evt_1").body_sha256, event_row(log, "evt_1").seen) == (digest(b"2"), 4)
    later = [an_event("evt_1", body=body) for body in (b"4", b"2", b"5")]
    assert record(log, later) == [DIFFERS, DUPLICATE, DIFFERS]
    assert set(bodies_of(log, "evt_1").values()) == {b"1", b"2", b"3", b"4", b"5"}
    assert (event_row(log, "evt_1").body_sha256, event_row(log, "evt_1").seen) == (digest(b"2"), 7)


def test_copies_in_one_batch_are_one_event_and_the_first_wins(log: EventLog) -> None:
    record(log, [an_event("b")])
    batch = [
        an_event("c", "memory.stored"),
        an_event("a"),
        an_event("c", "memory.deleted"),
        an_event("b"),
        an_event("c", "memory.updated"),
        an_event("b"),
    ]
    assert record(log, batch) == [NEW, NEW, DUPLICATE, DUPLICATE, DUPLICATE, DUPLICATE]
    assert (event_row(log, "c").type, event_row(log, "c").seen) == ("memory.stored", 3)
    assert event_row(log, "b").seen == 3
    assert count_events(log) == 3


def test_a_batch_larger_than_one_statement_takes_is_recorded_whole(log: EventLog) -> None:
    record(log, [an_event(f"evt_{number}") for number in range(0, 3000, 2)])
    batch = [an_event(f"evt_{number}") for number in range(3000)]
    assert record(log, batch) == [DUPLICATE, NEW] * 1500
    assert count_events(log) == 3000


def test_fifty_threads_with_the_same_event_get_one_new(log: EventLog, second: EventLog) -> None:
    start = Barrier(50)

    def submit(number: int) -> Receipt:
        start.wait()
        (receipt,) = record((log, second)[number % 2], [an_event("evt_1")])
        return receipt

    with ThreadPoolExecutor(50) as threads:
        receipts = list(threads.map(submit, range(50)))
    assert (receipts.count(NEW), receipts.count(DUPLICATE)) == (1, 49)
    assert event_row(log, "evt_1").seen == 50
    assert len(bodies_of(log, "evt_1")) == 1


def test_overlapping_unsorted_batches_from_many_threads_all_succeed(log: EventLog, second: EventLog) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")  # to run it again
    chance = random.Random(seed)
    ids = [f"evt_{number}" for number in range(60)]
    batches = [chance.sample(ids, 30) for _ in range(48)]

    def submit(number: int) -> list[tuple[str, Receipt]]:
        answers: dict[str, Receipt] = {}
        left = batches[number]
        while left:  # a sender sends again what was locked
            receipts = record((log, second)[number % 2], [an_event(event_id) for event_id in left])
            answers |= dict(zip(left, receipts, strict=True))
            left = [event_id for event_id in left if answers[event_id] is LOCKED]
        return list(answers.items())

    with ThreadPoolExecutor(8) as threads:
        answers = [answer for answers in threads.map(submit, range(48)) for answer in answers]
    sent = {event_id for event_id, _ in answers}
    assert sorted(event_id for event_id, receipt in answers if receipt is NEW) == sorted(sent)
    assert {receipt for _, receipt in answers} == {NEW, DUPLICATE}
    assert {event_id: event_row(log, event_id).seen for event_id in sent} == {
        event_id: sum(batch.count(event_id) for batch in batches) for event_id in sent
    }


def test_batches_in_opposite_orders_never_deadlock_each_other(
    postgres_log: EventLog, postgres_url: str
) -> None:
    ids = [f"evt_{number:03}" for number in range(300)]
    start = Barrier(2)

    def submit(batch: list[str]) -> None:
        for turn in range(10):
            start.wait()
            record(postgres_log, [an_event(f"{turn}_{event_id}") for event_id in batch])
            start.wait()
            record(postgres_log, [an_event(f"{turn}_{event_id}") for event_id in batch])

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(submit, [ids, ids[::-1]]))
    postgres_log.close()  # the server counts a session's deadlocks when it ends, if not before

    def deadlocks_after_the_last_session() -> list[int]:
        with psycopg.connect(postgres_url) as connection:
            return [row[0] for row in connection.execute(_DEADLOCKS)]

    assert wait_until(deadlocks_after_the_last_session) == [0]


@pytest.mark.parametrize("field", ["id", "type", "subject"])
def test_text_that_no_database_takes_is_refused_alone(log: EventLog, field: str) -> None:
    good = [an_event(f"evt_{number}") for number in range(5)]
    changed: dict[str, Any] = {field: LONE_SURROGATE}
    bad = replace(an_event("evt_bad"), **changed)
    assert record(log, [*good[:2], bad, *good[2:]]) == [NEW, NEW, REFUSED, NEW, NEW, NEW]
    assert count_events(log) == 5


def test_what_postgresql_refuses_fails_alone(postgres_log: EventLog) -> None:
    batch = [an_event(f"evt_{number}") for number in range(9)]
    batch[2] = an_event("evt_2", "memory.\x00stored")
    batch[3] = an_event("evt_3", "t" * 256)
    batch[8] = an_event("e" * 10_000)
    expected = [NEW] * 9
    expected[2] = expected[3] = expected[8] = REFUSED
    assert record(postgres_log, batch) == expected
    assert count_events(postgres_log) == 6


def test_a_copy_of_the_log_whose_numbers_begin_anew_refuses_no_event_for_good(log: EventLog) -> None:
    record(log, [an_event(f"evt_{number}") for number in range(3)])
    begin_anew = (
        "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'events'"
        if log.is_sqlite
        else "SELECT setval(pg_get_serial_sequence('events', 'seq'), 1, false)"
    )
    with log.write() as connection:
        connection.execute(text(begin_anew))
    with pytest.raises(LogUnavailable, match="contradicts itself"):
        record(log, [an_event("evt_new")])
    assert record(log, [an_event("evt_1")]) == [DUPLICATE]


@pytest.mark.parametrize(
    ("accident", "receipt"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid())", Receipt.INTERRUPTED),
        ("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$", DUPLICATE),
    ],
    ids=["connection lost", "collision"],
)
def test_what_a_batch_has_stored_is_told_whatever_happens_to_the_rest(
    postgres_log: EventLog, monkeypatch: pytest.MonkeyPatch, accident: str, receipt: Receipt
) -> None:
    record(postgres_log, [an_event("evt_known")])
    batch = [an_event("evt_new"), an_event("evt_known")]
    with monkeypatch.context() as patch:
        patch.setattr(arrivals_postgresql, "count_copies", lambda cursor, _: cursor.execute(accident))
        assert record(postgres_log, batch) == [NEW, receipt]
    assert record(postgres_log, batch) == [DUPLICATE, DUPLICATE]


def test_sqlite_keeps_a_nul_in_a_type(sqlite_log: EventLog) -> None:
    assert record(sqlite_log, [an_event("evt_1", "memory.\x00stored"), an_event("evt_2")]) == [NEW, NEW]
    assert event_row(sqlite_log, "evt_1").type == "memory.\x00stored"


def test_a_refused_event_does_not_take_its_copies_along(postgres_log: EventLog) -> None:
    batch = [an_event("evt_1", "bad\x00"), an_event("evt_1"), an_event("evt_2")]
    assert record(postgres_log, batch) == [REFUSED, NEW, NEW]


@pytest.mark.parametrize(("default", "during_intake"), [("off", "on"), ("on", "on"), ("local", "local")])
def test_a_database_set_to_lose_commits_still_takes_events_in_durably(
    postgres_url: str, postgres_log: EventLog, default: str, during_intake: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = {default}".encode())
        # A deferred trigger runs in the commit.
        admin.execute(_NOTE_THE_SETTING)
    postgres_log.close()  # new connections have the new default
    record(postgres_log, [an_event("evt_1"), an_event("evt_2"), an_event("evt_2")])
    with psycopg.connect(postgres_url) as admin:
        shown = {setting for (setting,) in admin.execute("SELECT setting FROM shown")}
    assert shown == {during_intake}
    with postgres_log.read() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == default


def test_events_get_their_numbers_in_the_order_in_which_batches_arrive(log: EventLog) -> None:
    for event_id in ("c", "a", "b"):
        record(log, [an_event(event_id)])
    with log.read() as connection:
        found = connection.execute(select(events.c.id).order_by(events.c.seq)).scalars().all()
    assert found == ["c", "a", "b"]
