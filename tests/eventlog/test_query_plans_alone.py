"""A backlog that runs alone is not read whole, however often it is looked at."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from eventlog.database import EventLog
from eventlog.limits import Limit, Room, let_in, read_waiting, throttle
from eventlog.lone_sweep import look_for_due, sweep_alone
from tests.eventlog.effort import effort_of
from tests.eventlog.plans import SERIES, analyze

HOUR = timedelta(hours=1)
FEW, MANY = 20, 2000
BYTES = {True: "x'00'", False: "'\\x00'"}
BACKLOG = """
INSERT INTO events (seq, id, type, subject, received_at, body_sha256, state, seen)
    SELECT n + {after}, 'e' || (n + {after}), 't', 's', n, {bytes}, 'waiting', 1 FROM ({series}) s;
INSERT INTO deliveries (event_seq, handler, replay, state, attempts, failures, due_at, queue)
    SELECT seq, 'rated', 0, 'throttled', 0, 0, {later} + seq, 'a' FROM events WHERE seq > {after};
INSERT INTO deliveries (event_seq, handler, replay, state, attempts, failures, due_at, queue)
    SELECT seq, 'failing', 0, 'waiting', 1, 1, {later} + seq, 'b' FROM events WHERE seq > {after};
INSERT INTO deliveries (event_seq, handler, replay, state, attempts, failures, due_at, queue)
    SELECT seq, 'slow', 0, 'queued', 0, 0, {earlier} + seq, 'c' FROM events WHERE seq > {after};
INSERT INTO deliveries (event_seq, handler, replay, state, attempts, failures, due_at, queue)
    SELECT seq, 'limited', 0, 'throttled', 0, 0, NULL, 'd' FROM events WHERE seq > {after}
"""


def add(log: EventLog, *, after: int, number: int) -> None:
    """Add so many to a backlog: throttled by a rate, to be retried, in jobs, and behind a limit."""
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    given = {"after": after, "bytes": BYTES[log.is_sqlite], "later": now + HOUR // timedelta(microseconds=1)}
    given |= {"series": SERIES[log.is_sqlite].format(many=number), "earlier": now - 60_000_000}
    with log.write() as connection:
        for statement in BACKLOG.format(**given).split(";"):
            connection.execute(text(statement))
    analyze(log)


def settle(log: EventLog) -> None:
    with log.write() as connection:
        assert read_waiting(connection, {"rated", "failing", "slow", "limited"}) == {"limited"}
        let_in(connection, "rated", 1)


def claim(log: EventLog) -> None:
    full = Room(slots=None, starts=0, freed_at=(datetime.now(UTC),))
    with log.write() as connection:
        throttle(connection, "rated", [0], Limit(starts=1, period=HOUR), full)


def look(log: EventLog) -> None:
    assert look_for_due(log, with_queued=False).queues == ()
    assert look_for_due(log).queues == ("c",)


def sweep(log: EventLog) -> None:
    assert sweep_alone(log, "a", queued_for=None) == []
    assert sweep_alone(log, "c", queued_for=timedelta(minutes=5)) == []


@pytest.mark.parametrize("step", [settle, claim, look, sweep])
def test_no_step_reads_all_of_a_backlog(log: EventLog, step: Callable[[EventLog], None]) -> None:
    add(log, after=0, number=FEW)
    step(log)
    with effort_of(log) as before:
        step(log)
    add(log, after=FEW, number=MANY)
    with effort_of(log) as after:
        step(log)
    assert before.steps > 0
    assert after.steps <= before.steps
