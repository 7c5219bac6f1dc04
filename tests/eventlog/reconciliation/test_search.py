import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import event, text

from eventlog.database import EventLog
from eventlog.reconciliation import search as search_module
from eventlog.reconciliation.ailment import Among
from eventlog.reconciliation.of_deliveries import OF_DELIVERIES, OF_REPLAYS
from eventlog.reconciliation.of_events import OF_EVENTS
from eventlog.reconciliation.of_lone import FORGOTTEN, OF_LONE
from eventlog.reconciliation.search import Extent, Part, measure, parts, search, search_on, suspected
from eventlog.states import State
from tests.eventlog.stored import accept, opened, run

AILMENTS = (*OF_LONE, *OF_DELIVERIES, *OF_EVENTS, *OF_REPLAYS)
MANY = 20_000

# One of a hundred waits, and one of a thousand is queued in a replay.
FILL = """
INSERT INTO events (id, type, received_at, body_sha256, state, due_at, seen)
    SELECT 'evt_' || n, 't', n, CAST('s' AS {bytes}), CASE WHEN n % 100 = 0 THEN 'waiting' ELSE 'done' END,
        CASE WHEN n % 100 = 0 THEN 1 END, 1 FROM ({series}) s;
INSERT INTO bodies SELECT seq, body_sha256, 0, body_sha256 FROM events;
INSERT INTO deliveries (event_seq, handler, replay, state, attempts, failures, due_at)
    SELECT seq, 'h', 0, state, 1, 0, due_at FROM events;
INSERT INTO deliveries (event_seq, handler, replay, state, attempts, failures, due_at)
    SELECT seq, 'h', 1, CASE WHEN seq % 1000 = 0 THEN 'queued' ELSE 'done' END, 1, 0, 1 FROM events
"""
SERIES = {
    True: "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {many}) SELECT n FROM c",
    False: "SELECT n FROM generate_series(1, {many}) n",
}


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    with closing(opened(database_url)) as log:
        yield log


def fill(log: EventLog) -> None:
    series = SERIES[log.is_sqlite].format(many=MANY)
    with log.write() as connection:
        for statement in FILL.format(series=series, bytes="BLOB" if log.is_sqlite else "bytea").split(";"):
            connection.execute(text(statement))
        if not log.is_sqlite:  # nobody keeps statistics there
            connection.execute(text("ANALYZE"))


def plans(log: EventLog, part: Part | None) -> dict[str, str]:
    """Say how the database looks for each ailment."""
    taken: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if any(each in statement for each in ("due_at", " AS event_id", "max(CASE")):
            taken.append((statement, parameters))

    event.listen(log._engine, "before_cursor_execute", note)
    for ailment in AILMENTS:
        search(log, ailment, part)
    if part is None:
        suspected(log, AILMENTS)
        for ailment in FORGOTTEN:
            for start in (None, ("h", "parked", 5)):
                search_on(log, ailment, start, rows=50)
    event.remove(log._engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if log.is_sqlite else "EXPLAIN "
    found = {}
    with log.read() as connection:
        for statement, parameters in taken:
            rows = connection.exec_driver_sql(explain + statement, parameters)  # type: ignore[arg-type]
            found[statement] = "\n".join(str(row[-1]) for row in rows)
    return found


ALL_ROWS = re.compile(
    r"Seq Scan on (events|deliveries|bodies)"
    r"|SCAN (events|deliveries|one|bodies)"
    r"( USING (COVERING )?INDEX (?!ix_(?:events|deliveries)_(?:unfinished|line|alone))\w+)?$",
    re.MULTILINE,
)


@pytest.mark.parametrize("part", [None, Part(after=5000, upto=5050)], ids=["newest", "part"])
def test_no_ailment_is_looked_for_in_all_rows(
    log: EventLog, part: Part | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "ROWS", 50)
    fill(log)
    seen = plans(log, part)
    assert len(seen) >= len(AILMENTS)
    for statement, plan in seen.items():
        assert not ALL_ROWS.search(plan), f"{statement}\n{plan}"


def test_one_look_tells_which_ailments_there_may_be(log: EventLog) -> None:
    by_name = {ailment.name: ailment for ailment in OF_EVENTS}
    own = [ailment for ailment in AILMENTS if Among.DUE in ailment.among]
    assert suspected(log, AILMENTS) == own
    accept(log, "evt_1", "evt_2")
    assert suspected(log, AILMENTS) == own
    with log.write() as connection:
        connection.execute(text("DELETE FROM bodies WHERE event_seq = 1"))
        connection.execute(text("UPDATE events SET lease = 'gone' WHERE seq = 2"))
    wanted = {by_name["no body"], by_name["lease left"], *own}
    assert suspected(log, AILMENTS) == [ailment for ailment in AILMENTS if ailment in wanted]


def test_measuring_counts_no_further_than_it_tells(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    assert measure(log) == Extent(unfinished=0, last_seq=0)
    accept(log, *"abcd")
    run(log, "b", {"h": State.DONE})
    assert measure(log) == Extent(unfinished=3, last_seq=4)
    monkeypatch.setattr(search_module, "ROWS", 1)
    assert measure(log).unfinished == 2


def test_parts_cover_every_event_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "PART", 10)
    for last in (0, 1, 9, 10, 11, 35):
        seqs = [
            seq for part in parts(Extent(unfinished=0, last_seq=last)) for seq in range(part.after, part.upto)
        ]
        assert seqs == list(range(last))
