"""Counting what came of a handler's deliveries within the last hour."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, insert, select

from eventlog.database import EventLog
from eventlog.recent_outcomes import read_recent_outcomes
from eventlog.states import State
from eventlog.tables import deliveries, events
from tests.eventlog.stored import accept

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC)


def deliver(
    log: EventLog, event_id: str, state: State, began: datetime | None, *, handler: str = "h", replay: int = 0
) -> None:
    with log.write() as connection:
        seq = connection.execute(select(events.c.seq).where(events.c.id == event_id)).scalar_one()
        connection.execute(
            insert(deliveries).values(
                event_seq=seq, handler=handler, replay=replay, state=state, started_at=began
            )
        )


def test_outcomes_of_the_last_hour_are_counted_by_state(log: EventLog) -> None:
    accept(log, "evt_1", "evt_2", "evt_3", "evt_4")
    deliver(log, "evt_1", State.DONE, NOW - timedelta(minutes=5))
    deliver(log, "evt_2", State.DONE, NOW - timedelta(minutes=50))
    deliver(log, "evt_3", State.DEAD, NOW - timedelta(minutes=1))
    deliver(log, "evt_4", State.DONE, NOW - timedelta(hours=2))
    deliver(log, "evt_4", State.SKIPPED, NOW - timedelta(minutes=3), replay=1)
    deliver(log, "evt_4", State.DEAD, NOW, handler="another")
    found = read_recent_outcomes(log, "h", within=HOUR)
    assert found.counts == {State.DONE: 2, State.DEAD: 1, State.SKIPPED: 1}
    assert found.is_complete


def test_what_has_not_run_yet_counts_however_old(log: EventLog) -> None:
    accept(log, "evt_1", "evt_2")
    deliver(log, "evt_1", State.PARKED, None)
    deliver(log, "evt_2", State.WAITING, NOW - timedelta(minutes=1))
    found = read_recent_outcomes(log, "h", within=HOUR)
    assert found.counts == {State.WAITING: 1, State.PARKED: 1}


def test_a_handler_that_never_ran_has_none(log: EventLog) -> None:
    found = read_recent_outcomes(log, "h", within=HOUR)
    assert found.counts == {}
    assert found.is_complete


def test_no_more_than_the_newest_are_read_and_that_is_told(log: EventLog) -> None:
    accept(log, "evt_1", "evt_2", "evt_3")
    deliver(log, "evt_1", State.DEAD, NOW)
    deliver(log, "evt_2", State.DONE, NOW)
    deliver(log, "evt_3", State.DONE, NOW)
    found = read_recent_outcomes(log, "h", within=HOUR, at_most=2)
    assert found.counts == {State.DONE: 2}
    assert not found.is_complete


@contextmanager
def statements(log: EventLog) -> Iterator[list[tuple[str, Any]]]:
    taken: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        taken.append((statement, parameters))

    event.listen(log._engine, "before_cursor_execute", note)
    yield taken
    event.remove(log._engine, "before_cursor_execute", note)


def test_they_are_read_by_the_handlers_index_and_not_sorted(log: EventLog) -> None:
    accept(log, *(f"evt_{number}" for number in range(300)))
    with log.write() as connection:
        seqs = connection.execute(select(events.c.seq)).scalars().all()
        connection.execute(
            insert(deliveries),
            [
                {"event_seq": seq, "handler": f"h{place}", "state": State.DONE}
                for seq in seqs
                for place in range(10)
            ],
        )
        if not log.is_sqlite:
            connection.exec_driver_sql("ANALYZE deliveries")
    with statements(log) as taken:
        read_recent_outcomes(log, "h3", within=HOUR, at_most=20)
    ((statement, parameters),) = [one for one in taken if "deliveries" in one[0]]
    with log.read() as connection:
        explain = "EXPLAIN QUERY PLAN " if log.is_sqlite else "EXPLAIN "
        plan = "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters))
    assert "ix_deliveries_handler" in plan, plan
    assert "Sort Key: deliveries" not in plan, plan
    assert "FOR ORDER BY" not in plan, plan
