import hashlib
import json
from collections import Counter

import pytest
from sqlalchemy import func, inspect, select

from benchmarks.fill.filling import fill
from benchmarks.fill.history import EVENT_COLUMNS, History
from benchmarks.scenarios.looks import looks_at
from benchmarks.store import count_events, require_bodies, store_events
from console.doctor.finding import Level
from console.doctor.reconciling import Reconciliation
from eventlog.database import EventLog
from eventlog.listing import read_page
from eventlog.schema import upgrade
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import bodies, deliveries, events, failures

NUMBER = 2_000
_FILLED = (events, bodies, deliveries, failures)
_INDEXES = {index.name for table in _FILLED for index in table.indexes}


def made_indexes(log: EventLog) -> set[str | None]:
    with log.read() as connection:
        return {
            index["name"]
            for table in _FILLED
            for index in inspect(connection).get_indexes(table.name)
            if "duplicates_constraint" not in index
        }


def test_a_history_is_in_order_and_of_all_kinds() -> None:
    chunks = list(History(NUMBER, now_us=1_800_000_000_000_000).chunks(size=700))
    rows = [dict(zip(EVENT_COLUMNS, row, strict=True)) for chunk in chunks for row in chunk.events]
    assert [row["seq"] for row in rows] == list(range(1, NUMBER + 1))
    times = [row["received_at"] for row in rows]
    assert times == sorted(times)
    assert times[-1] == 1_800_000_000_000_000
    states = Counter(row["state"] for row in rows)
    assert states["done"] > NUMBER * 0.9
    assert {"dead", "unhandled", "skipped"} <= states.keys()
    for _, digest, _, body in chunks[0].bodies:
        assert hashlib.sha256(body).digest() == digest
        assert json.loads(body)["id"]


def test_the_same_seed_makes_the_same_history() -> None:
    one, other = (next(History(100, now_us=10**15).chunks()) for _ in range(2))
    assert one == other


def test_a_log_that_is_in_use_is_left_as_it_is(database_url: str) -> None:
    log = EventLog.open(database_url)
    try:
        upgrade(log)
        store_events(log, "kept", 1)
        with pytest.raises(SystemExit, match="has events already"):
            fill(database_url, NUMBER, tell=lambda _: None)
        assert count_events(log) == 1
        assert made_indexes(log) == _INDEXES
    finally:
        log.close()


def test_a_filled_log_is_whole_and_takes_new_events(database_url: str) -> None:
    fill(database_url, NUMBER, tell=lambda _: None)
    log = EventLog.open(database_url)
    try:
        assert count_events(log) == NUMBER
        require_bodies(log)
        assert [each.level for each in Reconciliation(log, None).check()] == [Level.OK]
        with log.read() as connection:
            of_the_dead = select(func.count()).where(deliveries.c.state == State.DEAD)
            dead = connection.execute(of_the_dead).scalar_one()
            failed = connection.execute(select(func.count()).select_from(failures)).scalar_one()
        assert made_indexes(log) == _INDEXES
        assert failed >= 3 * dead > 0
        store_events(log, "next", 1)
        assert read_page(log, Selection(), limit=1).events[0].seq == NUMBER + 1
        for _name, look in looks_at(log):
            look()
    finally:
        log.close()
