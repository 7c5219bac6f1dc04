"""What tells the clock that a replay is far enough ahead of handlers that run alone."""

import pytest
from sqlalchemy import insert

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.hold import ORIGINAL_RUN
from eventlog.lone_backlog import is_far_ahead
from eventlog.replays import Replay, read_replay
from eventlog.states import State
from eventlog.tables import deliveries
from tests.eventlog.feeding import make_replay
from tests.eventlog.plans import counted_by_postgresql, plans_of
from tests.eventlog.stored import an_event


@pytest.fixture(autouse=True)
def _few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventlog.lone_backlog._AHEAD", 10)


def store(log: EventLog, *states: State, replay: int, handler: str = "h", queue: str | None = "slow") -> None:
    """Write deliveries of as many events as there are states."""
    ids = [f"evt_{replay}_{handler}_{queue}_{states[0]}_{number}" for number in range(len(states))]
    record(log, [an_event(event_id) for event_id in ids])
    with log.write() as connection:
        connection.exec_driver_sql("UPDATE events SET state = 'done', due_at = NULL WHERE state = 'queued'")
        seqs = connection.exec_driver_sql(f"SELECT seq FROM events ORDER BY seq DESC LIMIT {len(ids)}")
        of_event = {"handler": handler, "replay": replay, "queue": queue}
        rows = [
            {"event_seq": row.seq, "state": state, **of_event}
            for row, state in zip(seqs, states, strict=True)
        ]
        connection.execute(insert(deliveries), rows)


def a_replay(log: EventLog) -> Replay:
    replay = read_replay(log, make_replay(log, handlers=("h", "g")))
    assert replay
    return replay


@pytest.mark.parametrize("state", [State.QUEUED, State.THROTTLED, State.PARKED])
def test_what_of_a_replay_may_not_run_yet_is_counted(log: EventLog, state: State) -> None:
    replay = a_replay(log)
    store(log, *[state] * 10, replay=replay.id)
    assert not is_far_ahead(log, replay)
    store(log, state, replay=replay.id, handler="g")
    assert is_far_ahead(log, replay)


def test_states_are_taken_together(log: EventLog) -> None:
    replay = a_replay(log)
    store(log, *[State.QUEUED, State.THROTTLED, State.PARKED] * 4, replay=replay.id)
    assert is_far_ahead(log, replay)


@pytest.mark.parametrize("state", [State.QUEUED, State.THROTTLED])
def test_fresh_events_that_wait_for_its_handlers_are_counted(log: EventLog, state: State) -> None:
    replay = a_replay(log)
    store(log, *[state] * 11, replay=ORIGINAL_RUN, handler="other")
    assert not is_far_ahead(log, replay)
    store(log, *[state] * 11, replay=ORIGINAL_RUN)
    assert is_far_ahead(log, replay)


def test_a_line_that_a_dead_one_holds_keeps_no_replay_from_mending_it(log: EventLog) -> None:
    replay = a_replay(log)
    store(log, *[State.PARKED] * 11, replay=ORIGINAL_RUN)
    store(log, *[State.PARKED] * 11, replay=replay.id + 1, handler="g")
    assert not is_far_ahead(log, replay)


def test_what_runs_has_ended_or_is_to_be_tried_later_is_not_counted(log: EventLog) -> None:
    replay = a_replay(log)
    ended = (State.RUNNING, State.WAITING, State.DONE, State.DEAD, State.SKIPPED)
    store(log, *ended, *ended, *ended, replay=replay.id)
    assert not is_far_ahead(log, replay)


def test_what_a_worker_is_still_to_hand_on_is_not_counted_as_its_job_is(log: EventLog) -> None:
    replay = a_replay(log)
    store(log, *[State.QUEUED] * 11, replay=replay.id, queue=None)
    assert not is_far_ahead(log, replay)


def test_a_look_reads_nothing_of_what_does_not_run_alone(sqlite_log: EventLog) -> None:
    replay = a_replay(sqlite_log)
    with plans_of(sqlite_log) as plans:
        is_far_ahead(sqlite_log, replay)
    assert len(plans) == 2  # the same statement for both states
    alone, in_line = plans.values()
    assert "INDEX ix_deliveries_alone (handler=? AND state>? AND state<?)" in alone
    assert "COVERING INDEX ix_deliveries_of_replays (replay=? AND state>? AND state<?)" in in_line


READ_OF_DELIVERIES = (
    "SELECT sum(idx_tup_read) + (SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'deliveries')"
    " FROM pg_stat_user_indexes WHERE relname = 'deliveries'"
)


@pytest.mark.parametrize("has_statistics", [False, True])
def test_a_look_reads_a_bounded_number_of_rows(postgres_log: EventLog, *, has_statistics: bool) -> None:
    replay = a_replay(postgres_log)
    for state in (State.QUEUED, State.THROTTLED, State.PARKED):
        for queue in (None, "slow"):
            store(postgres_log, *[state] * 1000, replay=replay.id, queue=queue)
    if has_statistics:
        with postgres_log.write() as connection:
            connection.exec_driver_sql("ANALYZE")
    before = counted_by_postgresql(postgres_log, READ_OF_DELIVERIES)
    assert is_far_ahead(postgres_log, replay)
    assert counted_by_postgresql(postgres_log, READ_OF_DELIVERIES) - before <= 33
