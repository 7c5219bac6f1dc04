import re
from datetime import timedelta

import pytest
from sqlalchemy import event, insert, select, text, update

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.held_leases import read_held_leases
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease, renew
from eventlog.states import State
from eventlog.sweep import sweep
from eventlog.tables import deliveries, events
from tests.eventlog.rows import LONG, event_row, make_event_due
from tests.eventlog.set_clock import SetClock
from tests.eventlog.stored import accept, an_event, replay, run

HOUR = timedelta(hours=1)


def take(log: EventLog, *ids: str, replay: int = 0) -> str:
    lease = new_lease()
    assert claim(log, Hold(lease=lease, replay=replay), ids, duration=LONG)
    return lease


def test_the_leases_of_events_and_of_replays_are_listed_with_their_end(log: EventLog) -> None:
    accept(log, "one", "two", "queued", "finished")
    run(log, "finished", {"h": State.DONE})
    first = take(log, "one", "two")
    number = replay(log, "finished", "h")
    second = take(log, "finished", replay=number)
    seen = read_held_leases(log)
    assert set(seen.until) == {first, second}
    assert seen.until[first] == max(event_row(log, "one").due_at, event_row(log, "two").due_at)
    assert timedelta(0) < seen.until[second] - seen.database_now <= LONG
    assert seen.asked <= seen.answered


def test_leases_that_ended_are_swept_whatever_the_databases_clock_says(log: EventLog) -> None:
    accept(log, "one", "two", "other", "finished")
    run(log, "finished", {"h": State.DONE})
    number = replay(log, "finished", "h")
    take(log, "other")
    lease, in_replay = take(log, "one", "two"), take(log, "finished", replay=number)
    until = read_held_leases(log).until
    swept = sweep(log, ended={lease: until[lease], in_replay: until[in_replay]})
    assert sorted((one.event_id, one.replay, one.was) for one in swept) == [
        ("finished", number, State.RUNNING),
        ("one", 0, State.RUNNING),
        ("two", 0, State.RUNNING),
    ]
    assert event_row(log, "other").state == State.RUNNING
    assert [one.event_id for one in sweep(log, ended=until)] == ["other"]


def test_leases_that_look_expired_are_left_alone_unless_they_ended(log: EventLog) -> None:
    accept(log, "evt_1", "queued")
    take(log, "evt_1")
    make_event_due(log, "evt_1", "queued")
    assert [one.event_id for one in sweep(log, ended={})] == ["queued"]
    assert event_row(log, "evt_1").state == State.RUNNING


@pytest.mark.parametrize("set_by", [timedelta(0), HOUR, -HOUR])
def test_a_lease_renewed_at_the_last_moment_is_spared(log: EventLog, set_by: timedelta) -> None:
    accept(log, "evt_1")
    lease = take(log, "evt_1")
    until = read_held_leases(log).until
    SetClock(log).by = set_by + timedelta(seconds=1)
    renew(log, Hold(lease=lease, replay=0), duration=LONG)
    assert sweep(log, ended=until) == []
    assert event_row(log, "evt_1").lease == lease


def test_what_a_worker_is_settling_is_left_alone(postgres_log: EventLog) -> None:
    accept(postgres_log, "evt_1")
    take(postgres_log, "evt_1")
    until = read_held_leases(postgres_log).until
    with postgres_log.write() as connection:
        connection.execute(update(events).values(seen=2))
        assert sweep(postgres_log, ended=until) == []
    assert [one.event_id for one in sweep(postgres_log, ended=until)] == ["evt_1"]


def test_a_crowd_of_dead_leases_is_swept_in_turns(log: EventLog) -> None:
    ids = [f"evt_{number}" for number in range(50)]
    accept(log, *ids)
    for event_id in ids:
        take(log, event_id)
    swept: list[str] = []
    for _ in range(3):
        swept += [one.event_id for one in sweep(log, ended=read_held_leases(log).until)]
    assert sorted(swept) == sorted(ids)


def test_a_look_reads_only_the_indexes_of_what_is_held(log: EventLog) -> None:
    record(log, [an_event(f"evt_{number}") for number in range(3000)])
    with log.write() as connection:
        connection.execute(update(events).values(state=State.DONE, due_at=None))
        rows = connection.execute(select(events.c.seq)).scalars()
        connection.execute(
            insert(deliveries),
            [{"event_seq": seq, "handler": "h", "replay": 0, "state": State.DONE} for seq in rows],
        )
        connection.execute(
            update(events).where(events.c.id == "evt_7").values(state=State.RUNNING, lease="a")
        )
        connection.execute(text("ANALYZE"))
    taken: list[tuple[str, object]] = []
    event.listen(
        log._engine,
        "before_cursor_execute",
        lambda _c, _k, sql, parameters, *_: taken.append((sql, parameters)),
    )
    read_held_leases(log)
    queries = [(sql, parameters) for sql, parameters in taken if "GROUP BY" in sql]
    assert len(queries) == 2
    explain = "EXPLAIN QUERY PLAN " if log.is_sqlite else "EXPLAIN "
    with log.read() as connection:
        for sql, parameters in queries:
            explained = connection.exec_driver_sql(explain + sql, parameters)  # type: ignore[arg-type]
            plan = "\n".join(str(row[-1]) for row in explained)
            assert re.search("ix_(events|deliveries)_(lease|state_seq|unfinished)", plan), plan
            assert "Seq Scan" not in plan, plan
