"""What is withdrawn of a replay that was cancelled, beside what still runs and what others wait for."""

import pytest
from sqlalchemy import select

from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.outcome import Failure, Result
from eventlog.replays import ReplayState, cancel, read_outcomes, read_replay
from eventlog.settlement import settle
from eventlog.states import HELD_BACK, State
from eventlog.tables import deliveries
from tests.eventlog.feeding import feed_all, make_replay
from tests.eventlog.repeating import ran
from tests.eventlog.rows import LONG, delivery_rows
from tests.eventlog.stored import accept


def replayed(log: EventLog, *ids: str) -> int:
    """Accept events that ran well, and hand them to the queue once more."""
    accept(log, *ids)
    for event_id in ids:
        ran(log, event_id, State.DONE)
    number = make_replay(log)
    feed_all(log, number)
    return number


@pytest.mark.parametrize("state", HELD_BACK)
def test_what_is_held_back_is_withdrawn_and_leaves_its_line(log: EventLog, state: State) -> None:
    number = replayed(log, "a")
    with log.write() as connection:
        changed = {"state": state, "queue": "slow", "line": "agent-7", "due_at": None}
        connection.execute(deliveries.update().where(deliveries.c.replay == number).values(changed))
    assert cancel(log, number)
    row = delivery_rows(log, "a", replay=number)["h"]
    assert (row.state, row.line, row.note) == (State.SKIPPED, None, "its replay was cancelled")
    replay = read_replay(log, number)
    assert replay
    assert replay.state is ReplayState.CANCELLED


def test_who_stands_behind_one_that_is_withdrawn_goes_on(log: EventLog) -> None:
    cancelled = replayed(log, "a")
    accept(log, "b")
    ran(log, "b", State.DONE)
    other = make_replay(log)
    feed_all(log, other)
    with log.write() as connection:
        for number, state in ((cancelled, State.WAITING), (other, State.PARKED)):
            changed = {"state": state, "queue": "slow", "line": "agent-7"}
            connection.execute(deliveries.update().where(deliveries.c.replay == number).values(changed))
    cancel(log, cancelled)
    with log.read() as connection:
        states = select(deliveries.c.state, deliveries.c.line).where(deliveries.c.replay == other)
        assert [tuple(row) for row in connection.execute(states)] == [(State.QUEUED, "agent-7")]


def test_who_waits_for_the_slot_of_one_that_is_withdrawn_gets_it(log: EventLog) -> None:
    cancelled = replayed(log, "a")
    accept(log, "b")
    ran(log, "b", State.DONE)
    other = make_replay(log)
    feed_all(log, other)
    with log.write() as connection:
        for number, state in ((cancelled, State.QUEUED), (other, State.THROTTLED)):
            changed = {"state": state, "queue": "slow", "due_at": None}
            connection.execute(deliveries.update().where(deliveries.c.replay == number).values(changed))
    cancel(log, cancelled)
    assert read_outcomes(log, other) == {State.QUEUED: 1}


@pytest.mark.parametrize(("is_cancelled", "settled"), [(True, State.SKIPPED), (False, State.WAITING)])
def test_what_ran_when_its_replay_was_cancelled_is_not_tried_again(
    log: EventLog,
    is_cancelled: bool,
    settled: State,
) -> None:
    number = replayed(log, "a")
    hold = Hold(lease=new_lease(), replay=number)
    (claimed,) = claim(log, hold, ["a"], duration=LONG)
    if is_cancelled:
        assert cancel(log, number)
    result = Result(
        seq=claimed.seq,
        handler="h",
        attempt=1,
        failures=1,
        state=State.WAITING,
        started_at=claimed.event.received_at,
        duration=LONG,
        retry_in=LONG,
        failure=Failure(error_type="E", message="", traceback="", fingerprint="f"),
    )
    settle(log, hold, results=[result])
    row = delivery_rows(log, "a", replay=number)["h"]
    assert (row.state, row.due_at is None, row.attempts) == (settled, is_cancelled, 1)
