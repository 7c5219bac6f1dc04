"""What runs alone is never forgotten: not by an event that ended, by replays, by limits or by deploys."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select, text, update

from eventlog.database import EventLog
from eventlog.hand_on import hand_on
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.leases import claim, hand_back, new_lease
from eventlog.limits import Limit
from eventlog.lone_sweep import sweep_alone
from eventlog.outcome import Closing, Result
from eventlog.replay_feed import feed
from eventlog.replays import cancel, create
from eventlog.selection import Selection
from eventlog.setback import bring_nearer
from eventlog.settlement import settle
from eventlog.states import State
from eventlog.tables import deliveries, starts
from eventlog.turns import lock_lines
from tests.eventlog.lane import HANDLER, Lane
from tests.eventlog.rows import LONG, delivery_rows, event_row, seconds_until_due
from tests.eventlog.set_clock import SetClock

HOUR = timedelta(hours=1)


def replayed(lane: Lane, *ids: str) -> int:
    number = create(lane.log, selection=Selection(ids=ids), handlers={HANDLER: ["agent.*"]}, who="me")
    feed(lane.log, number, turn=10, choose=lambda handlers, _type: list(handlers))
    return number


def move(lane: Lane, replay: int, *ids: str, cancelled_meanwhile: bool = False) -> None:
    """Claim a replay's deliveries as they were fed, and hand them on."""
    hold = Hold(lease=new_lease(), replay=replay)
    claimed = claim(lane.log, hold, ids, duration=LONG)
    if cancelled_meanwhile:
        cancel(lane.log, replay)
    hand_on(lane.log, hold, [lane.placement(one) for one in claimed])


def test_a_replay_that_came_while_a_later_event_ran_goes_before_its_retry(log: EventLog) -> None:
    lane = Lane(log=log)
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    _, (run,) = lane.claim("e1")
    lane.end(run)
    _, (run,) = lane.claim("e2")
    number = replayed(lane, "e1")
    move(lane, number, "e1")
    lane.end(run, State.WAITING)
    lane.sweep()
    found, _ = lane.claim("e2")
    assert [(job.event_id, job.replay) for job in found.woken] == [("e1", number)]
    assert lane.states()["e2"] == "parked"
    _, (again,) = lane.claim("e1", replay=number)
    lane.end(again)
    assert lane.states()["e2"] == "queued"


@pytest.mark.parametrize("retries", [[], [HOUR]])
def test_an_event_is_not_over_while_it_could_not_be_handed_on_to_all(
    log: EventLog, retries: list[timedelta]
) -> None:
    lane = Lane(log=log, queue="slow", is_ordered=False)
    lane.arrive("e1")
    hold = Hold(lease=new_lease(), replay=ORIGINAL_RUN)
    (one,) = claim(log, hold, ["e1"], duration=LONG)
    hand_on(log, hold, [lane.placement(one)])
    results = [
        Result(
            seq=one.seq,
            handler="failing",
            attempt=1,
            failures=1,
            state=State.WAITING,
            started_at=datetime.now(UTC),
            duration=timedelta(0),
            retry_in=retry_in,
        )
        for retry_in in retries
    ]
    # Another handler's could not be placed: the event is due at once.
    closing = Closing(seq=one.seq, event_id="e1", state=State.WAITING, has_lone=True, is_due_now=True)
    settle(log, hold, results=results, closings=[closing])
    _, (run,) = lane.claim("e1")
    lane.end(run)
    row = event_row(log, "e1")
    assert row.state == State.WAITING
    assert seconds_until_due(log, row) <= 0


def let_the_rate_allow_one(lane: Lane) -> None:
    due = datetime.now(UTC) - timedelta(seconds=1)
    with lane.log.write() as connection:
        connection.execute(starts.delete())
        connection.execute(
            update(deliveries)
            .where(deliveries.c.state == State.THROTTLED, deliveries.c.due_at.isnot(None))
            .values(due_at=due)
        )
    sweep_alone(lane.log, lane.queue)


def test_with_a_rate_and_slots_all_slots_fill_as_the_rate_allows(log: EventLog) -> None:
    limit = Limit(concurrency=3, starts=1, period=HOUR)
    lane = Lane(log=log, is_ordered=False, limits={HANDLER: limit}, is_limited=True)
    ids = [f"e{number}" for number in range(6)]
    lane.arrive(*ids)
    lane.hop(*ids)
    lane.claim(*ids)
    for _ in range(6):
        let_the_rate_allow_one(lane)
        lane.claim(*ids)
    assert list(lane.states().values()).count("running") == 3


def test_when_a_limit_is_taken_away_those_that_wait_for_a_slot_go_on(log: EventLog) -> None:
    lane = Lane(log=log, is_ordered=False, limits={HANDLER: Limit(concurrency=1)}, is_limited=True)
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    _, (run,) = lane.claim("e1", "e2")
    lane.limits, lane.is_limited = {}, False
    lane.end(run)
    assert lane.states() == {"e1": "done", "e2": "queued"}


def test_a_withdrawn_replay_lets_go_no_line_that_a_dead_one_holds(log: EventLog) -> None:
    lane = Lane(log=log, holds=True)
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    _, (run,) = lane.claim("e1")
    lane.end(run, State.DEAD)
    number = replayed(lane, "e1")
    move(lane, number, "e1")
    cancel(log, number)
    assert lane.states() == {"e1": "dead", "e2": "parked"}


@pytest.mark.parametrize("is_ordered", [True, False])
def test_what_is_handed_on_of_a_replay_that_was_cancelled_is_withdrawn(
    log: EventLog, is_ordered: bool
) -> None:
    lane = Lane(log=log, queue="slow", is_ordered=is_ordered)
    lane.arrive("e1")
    lane.hop("e1")
    _, (run,) = lane.claim("e1")
    lane.end(run)
    number = replayed(lane, "e1")
    move(lane, number, "e1", cancelled_meanwhile=True)
    row = delivery_rows(log, "e1", replay=number)[HANDLER]
    assert (row.state, row.line) == (State.SKIPPED, None)


def test_one_that_is_withdrawn_while_the_rate_holds_it_lets_another_in(log: EventLog) -> None:
    limit = Limit(concurrency=1, starts=3, period=HOUR)
    lane = Lane(log=log, is_ordered=False, limits={HANDLER: limit}, is_limited=True)
    lane.arrive("e1", "e2")
    lane.hop("e1")
    _, (run,) = lane.claim("e1")
    lane.end(run)
    number = replayed(lane, "e1")
    move(lane, number, "e1")
    lane.hop("e2")
    with log.write() as connection:
        of_replay = deliveries.c.replay == number
        held = update(deliveries).values(state=State.THROTTLED)
        connection.execute(held.where(of_replay).values(due_at=datetime.now(UTC) + HOUR))
        connection.execute(held.where(~of_replay, deliveries.c.state == State.QUEUED).values(due_at=None))
    cancel(log, number)
    assert lane.states()["e2"] == "queued"


def test_what_runs_alone_comes_at_its_time_after_the_clock_was_set_back(log: EventLog) -> None:
    limit = Limit(starts=1, period=timedelta(minutes=1))
    lane = Lane(log=log, is_ordered=False, limits={HANDLER: limit})
    lane.arrive("running", "throttled", "queued")
    lane.hop("running", "throttled", "queued")
    lane.claim("running", "throttled")
    SetClock(log).by = -HOUR
    bring_nearer(log, jump=HOUR)
    soon = datetime.now(UTC) - HOUR + timedelta(minutes=2)
    for event_id in ("throttled", "queued"):
        assert delivery_rows(log, event_id)[HANDLER].due_at < soon
    with log.read() as connection:
        assert connection.execute(select(starts.c.started_at)).scalar_one() < soon


@pytest.mark.parametrize("state", [State.DONE, State.DEAD])
def test_one_that_ran_with_its_event_while_its_handler_got_an_order_leaves_the_line(
    log: EventLog, state: State
) -> None:
    lane = Lane(log=log)
    lane.arrive("e1", "e2")
    hold = Hold(lease=new_lease(), replay=ORIGINAL_RUN)
    # A worker that knows of no order yet runs it, while one that does brings the next event.
    (one,) = claim(log, hold, ["e1"], duration=LONG)
    lane.hop("e2")
    result = Result(
        seq=one.seq,
        handler=HANDLER,
        attempt=1,
        failures=0,
        state=state,
        started_at=datetime.now(UTC),
        duration=timedelta(0),
    )
    closing = Closing(seq=one.seq, event_id="e1", state=state)
    settle(log, hold, results=[result], closings=[closing])
    assert lane.states() == {"e1": str(state), "e2": "queued"}
    assert lane.standing() == ["e2"]
    assert lane.event_states()["e1"] == state


def test_more_lines_are_locked_at_once_than_postgresql_has_locks_for(postgres_log: EventLog) -> None:
    with postgres_log.write() as connection:
        lock_lines(connection, [(HANDLER, f"s{number}") for number in range(30_000)])
        held = connection.execute(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
        assert held.scalar_one() == 1


def test_no_statement_reads_all_deliveries(sqlite_log: EventLog) -> None:
    log = sqlite_log
    said: dict[str, None] = {}

    @event.listens_for(log._engine, "before_cursor_execute")
    def note(_connection, cursor, statement, parameters, _context, many) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        if not many and statement.startswith(("SELECT", "UPDATE", "DELETE")):
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            said.update({f"{row[3]}: {statement}": None for row in plan})

    limit = Limit(concurrency=1, starts=10, period=HOUR)
    lane = Lane(log=log, limits={HANDLER: limit}, is_limited=True)
    lane.arrive("e1", "e2", "e3")
    lane.hop("e1", "e2", "e3")
    for event_id in ("e1", "e2"):
        _, (run,) = lane.claim(event_id)
        lane.end(run, State.DONE)
    assert said
    reads_all = ("SCAN deliveries", "SCAN events", "SCAN starts", "(replay=?)", "(replay=? AND state=?)")
    assert [each for each in said if any(words in each for words in reads_all)] == []


def test_what_was_lost_meanwhile_is_told_apart_from_what_was_handed_on(log: EventLog) -> None:
    lane = Lane(log=log)
    lane.arrive("e1")
    first, second = new_lease(), new_lease()
    (lost,) = claim(log, Hold(lease=first, replay=ORIGINAL_RUN), ["e1"], duration=LONG)
    hand_back(log, Hold(lease=first, replay=ORIGINAL_RUN))
    lane.arrive("e2")
    (held,) = claim(log, Hold(lease=second, replay=ORIGINAL_RUN), ["e2"], duration=LONG)
    placements = [lane.placement(one) for one in (lost, held)]
    handed = hand_on(log, Hold(lease=second, replay=ORIGINAL_RUN), placements)
    assert handed.placed == {(held.seq, HANDLER)}
    assert handed.lost == {lost.seq}
