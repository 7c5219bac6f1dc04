import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import event, insert, select, text, update

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.states import REQUEUE_GRACE, State
from eventlog.sweep import Swept, sweep
from eventlog.tables import deliveries, events
from tests.eventlog.feeding import feed_all, make_replay
from tests.eventlog.rows import (
    LONG,
    delivery_rows,
    event_row,
    make_delivery_due,
    make_event_due,
    seconds_until_due,
)
from tests.eventlog.stored import accept, an_event, replay, run

EXPIRED = timedelta(0)


def seen(swept: list[Swept]) -> list[tuple[str, int, State]]:
    return [(one.event_id, one.replay, one.was) for one in swept]


def take(log: EventLog, event_id: str, *, replay: int = 0, duration: timedelta) -> None:
    assert claim(log, Hold(lease=new_lease(), replay=replay), [event_id], duration=duration)


def test_nothing_is_swept_when_nothing_is_due(log: EventLog) -> None:
    assert sweep(log) == []
    accept(log, "queued", "running", "waiting", "done", "dead")
    take(log, "running", duration=LONG)
    run(log, "waiting", {"h": State.WAITING})
    run(log, "done", {"h": State.DONE})
    run(log, "dead", {"h": State.DEAD})
    replay(log, "done", "h")
    take(log, "done", replay=replay(log, "done", "other"), duration=LONG)
    before = [event_row(log, event_id) for event_id in ("queued", "running", "waiting", "done", "dead")]
    assert sweep(log) == []
    assert [event_row(log, row.id) for row in before] == before


def test_a_sweep_with_nothing_to_do_does_not_write(log: EventLog) -> None:
    accept(log, "evt_1")
    statements: list[str] = []
    event.listen(
        log._engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement)
    )
    assert sweep(log) == []
    assert statements
    assert not [statement for statement in statements if "UPDATE" in statement or "IMMEDIATE" in statement]


def test_all_that_fell_through_is_queued_and_told(log: EventLog) -> None:
    accept(log, "queued", "running", "waiting", "finished")
    take(log, "running", duration=EXPIRED)
    run(log, "waiting", {"h": State.WAITING})
    run(log, "finished", {"h": State.DONE, "other": State.DEAD})
    make_event_due(log, "queued", "waiting")
    swept = sweep(log)
    assert seen(swept) == [
        ("queued", 0, State.QUEUED),
        ("running", 0, State.RUNNING),
        ("waiting", 0, State.WAITING),
    ]
    assert [one.received_at for one in swept] == [event_row(log, one.event_id).received_at for one in swept]
    grace = REQUEUE_GRACE.total_seconds()
    for one in swept:
        row = event_row(log, one.event_id)
        assert (row.state, row.lease) == (State.QUEUED, None)
        assert grace - 4 < seconds_until_due(log, row) <= grace
    assert event_row(log, "finished").state == State.DEAD
    assert sweep(log) == []


def test_replays_that_fell_through_are_queued_and_told(log: EventLog) -> None:
    accept(log, "evt_1", "evt_2")
    run(log, "evt_1", {"h": State.DONE})
    run(log, "evt_2", {"h": State.DONE})
    queued, running = replay(log, "evt_1", "left"), replay(log, "evt_2", "taken")
    take(log, "evt_2", replay=running, duration=EXPIRED)
    make_delivery_due(log, "left")
    assert seen(sweep(log)) == [("evt_1", queued, State.QUEUED), ("evt_2", running, State.RUNNING)]
    row = delivery_rows(log, "evt_2", replay=running)["taken"]
    assert (row.state, row.lease) == (State.QUEUED, None)
    assert sweep(log) == []
    assert event_row(log, "evt_1").state == State.DONE


def test_several_handlers_of_one_event_in_a_replay_are_told_once(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"h": State.DONE})
    number = make_replay(log, handlers=["one", "two"])
    feed_all(log, number)
    make_delivery_due(log, "one")
    make_delivery_due(log, "two")
    assert seen(sweep(log)) == [("evt_1", number, State.QUEUED)]
    assert {row.state for row in delivery_rows(log, "evt_1", replay=number).values()} == {State.QUEUED}


def test_a_waiting_delivery_of_the_original_run_is_left_to_its_event(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"h": State.WAITING})
    make_delivery_due(log, "h")
    assert sweep(log) == []
    assert delivery_rows(log, "evt_1")["h"].state == State.WAITING


def test_what_stays_queued_is_found_again_after_the_time_asked_for(log: EventLog) -> None:
    accept(log, "evt_1")
    make_event_due(log, "evt_1")
    assert seen(sweep(log, again_in=LONG)) == [("evt_1", 0, State.QUEUED)]
    assert seconds_until_due(log, event_row(log, "evt_1")) > LONG.total_seconds() - 5
    make_event_due(log, "evt_1")
    assert seen(sweep(log, again_in=EXPIRED)) == [("evt_1", 0, State.QUEUED)]
    assert seen(sweep(log)) == [("evt_1", 0, State.QUEUED)]


def test_only_the_states_asked_for_are_swept(log: EventLog) -> None:
    accept(log, "queued", "running")
    take(log, "running", duration=EXPIRED)
    make_event_due(log, "queued")
    assert seen(sweep(log, states=[State.RUNNING, State.WAITING])) == [("running", 0, State.RUNNING)]
    assert seen(sweep(log)) == [("queued", 0, State.QUEUED)]


def test_a_large_backlog_is_swept_in_turns_without_loss(log: EventLog) -> None:
    ids = {f"evt_{number}" for number in range(2300)}
    record(log, [an_event(event_id) for event_id in ids])
    make_event_due(log, *ids)
    turns = [[one.event_id for one in sweep(log, again_in=LONG)] for _ in range(4)]
    assert [len(turn) for turn in turns] == [1000, 1000, 300, 0]
    assert {event_id for turn in turns for event_id in turn} == ids


def test_two_sweepers_at_once_never_find_the_same(log: EventLog, second: EventLog) -> None:
    ids = [f"evt_{number}" for number in range(600)]
    record(log, [an_event(event_id) for event_id in ids])
    claim(log, Hold(lease=new_lease(), replay=0), ids[:200], duration=EXPIRED)
    make_event_due(log, *ids[200:])
    start = Barrier(4)

    def turn(number: int) -> list[str]:
        start.wait()
        return [one.event_id for one in sweep((log, second)[number % 2])]

    with ThreadPoolExecutor(4) as threads:
        found = [event_id for swept in threads.map(turn, range(4)) for event_id in swept]
    found += [one.event_id for one in sweep(log)]  # what all of them left to one another
    assert sorted(found) == sorted(ids)


def test_what_another_transaction_works_on_is_left_for_the_next_turn(postgres_log: EventLog) -> None:
    accept(postgres_log, "free", "held")
    make_event_due(postgres_log, "free", "held")
    with postgres_log.write() as connection:
        connection.execute(update(events).where(events.c.id == "held").values(seen=2))
        assert seen(sweep(postgres_log)) == [("free", 0, State.QUEUED)]
    assert seen(sweep(postgres_log)) == [("held", 0, State.QUEUED)]


def plans(log: EventLog, table: str) -> list[str]:
    """Say how the database finds what is due in a table, and how it queues that."""
    taken: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if re.search(rf"{table}\.due_at\)? <=", statement):
            taken.append((statement, parameters))

    event.listen(log._engine, "before_cursor_execute", note)
    sweep(log)
    event.remove(log._engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if log.is_sqlite else "EXPLAIN "
    found = []
    with log.write() as connection:
        for statement, parameters in taken:
            rows = connection.exec_driver_sql(explain + statement, parameters)  # type: ignore[arg-type]
            found.append("\n".join(str(row[-1]) for row in rows))
    return found


@pytest.mark.parametrize("table", ["events", "deliveries"])
def test_a_sweep_reads_only_the_index_of_what_is_unfinished(log: EventLog, table: str) -> None:
    ids = [f"evt_{number}" for number in range(3000)]
    record(log, [an_event(event_id) for event_id in ids])
    with log.write() as connection:
        connection.execute(update(events).values(state=State.DONE, due_at=None))
        rows = connection.execute(select(events.c.seq)).scalars()
        connection.execute(
            insert(deliveries),
            [{"event_seq": seq, "handler": "h", "replay": seq, "state": State.DONE} for seq in rows],
        )
    if table == "events":
        make_event_due(log, "evt_7")
        with log.write() as connection:
            connection.execute(update(events).where(events.c.id == "evt_7").values(state=State.QUEUED))
    else:
        replay(log, "evt_1", "late")
        make_delivery_due(log, "late")
    if not log.is_sqlite:  # where nobody keeps statistics
        with log.write() as connection:
            connection.execute(text("ANALYZE"))
    index = f"ix_{table}_unfinished"  # of deliveries there are two, alike in what they hold here
    seen_plans = plans(log, table)
    assert len(seen_plans) >= 4  # whether anything is due, then one for each unfinished state
    for plan in seen_plans:
        assert index in plan, plan
        assert not re.search(rf"Seq Scan on {table}|SCAN {table}$", plan, re.MULTILINE), plan
