"""A replay looks for its events a piece of the log at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.last_run import LastRun
from eventlog.replays import create, read_replay
from eventlog.selection import Selection
from eventlog.states import State
from tests.eventlog.feeding import feed_all, make_replay, turn
from tests.eventlog.plans import MANY, counted_by_postgresql, fill, plans_of
from tests.eventlog.rows import event_row
from tests.eventlog.stored import an_event, open_intake, run

DAY = timedelta(days=1)
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventlog.replay_look._SEQS_A_LOOK", 3)
    monkeypatch.setattr("eventlog.received._ALL_LOOKED_AT", 2)


def store(log: EventLog, *ages: timedelta, event_type: str = "memory.stored") -> list[str]:
    """Accept and run events of these ages, in this order; gives their ids."""
    ids = [f"{event_type}_{place}" for place in range(len(ages))]
    for event_id, age in zip(ids, ages, strict=True):
        record(log, [an_event(event_id, event_type, age=age)])
        run(log, event_id, {"h": State.DONE})
    return ids


def cursor(log: EventLog, number: int) -> int:
    replay = read_replay(log, number)
    assert replay
    return replay.cursor


def test_events_of_a_time_are_found_a_piece_of_the_log_at_a_time(log: EventLog) -> None:
    ids = store(log, *[DAY] * 7, *[timedelta(0)] * 3)
    number = make_replay(log, Selection(since=NOW - timedelta(hours=1)))
    seen = []
    for _ in range(4):
        fed = turn(log, number)
        seen.append((cursor(log, number), fed.event_ids, fed.goes_on, fed.finished))
    assert seen == [
        (3, (), True, False),
        (6, (), True, False),
        (9, tuple(ids[7:9]), True, False),
        (10, (ids[9],), False, True),
    ]


def test_nothing_that_was_received_out_of_order_is_missed(log: EventLog) -> None:
    hour = timedelta(hours=1)
    ages = [hour * number for number in (1, 50, 50, 2, 50, 50, 50, 50, 3, 30, 30, 50, 4, 50)]
    ids = store(log, *ages)
    wanted = [ids[place] for place, age in enumerate(ages) if hour < age < hour * 40]
    times = Selection(since=NOW - hour * 40, until=NOW - hour * 1.5)
    for events in (1, 2, 10):
        number = make_replay(log, times, handlers=[f"new_{events}"])
        assert feed_all(log, number, events) == wanted


def test_few_events_of_a_time_are_found_at_once_wherever_they_are(log: EventLog) -> None:
    hour = timedelta(hours=1)
    ids = store(log, *[hour * age for age in (50, 50, 50, 50, 2, 50, 50, 50, 50, 3, 50, 50, 50, 50)])
    number = make_replay(log, Selection(since=NOW - hour * 40))
    fed = [turn(log, number) for _ in range(2)]
    assert [(each.event_ids, each.finished) for each in fed] == [((ids[4],), False), ((ids[9],), True)]


@pytest.mark.parametrize(
    "times", [Selection(since=NOW), Selection(until=NOW - 2 * DAY), Selection(since=NOW, until=NOW - DAY)]
)
def test_a_time_in_which_nothing_was_received_is_done_with_at_once(log: EventLog, times: Selection) -> None:
    store(log, *[DAY] * 7)
    fed = turn(log, make_replay(log, times))
    assert (fed.event_ids, fed.finished) == ((), True)


def test_a_replay_of_a_time_made_beside_an_open_intake_ends_below_it(postgres_log: EventLog) -> None:
    store(postgres_log, DAY, timedelta(0))
    with open_intake(postgres_log, an_event("slow")):
        record(postgres_log, [an_event("after", age=3 * DAY)])
        number = make_replay(postgres_log, Selection(until=NOW - 2 * DAY))
    fed = turn(postgres_log, number)
    assert (fed.event_ids, fed.finished) == ((), True)
    assert cursor(postgres_log, number) == event_row(postgres_log, "memory.stored_1").seq


def test_a_piece_that_holds_too_many_is_gone_on_with(log: EventLog) -> None:
    ids = store(log, *[timedelta(0)] * 4)
    number = make_replay(log, Selection(since=NOW - DAY))
    assert [turn(log, number, 2).event_ids for _ in range(3)] == [(*ids[:2],), (*ids[2:],), ()]


@pytest.mark.parametrize(
    "selection",
    [
        Selection(ids=("agent.failed_0",), since=NOW - DAY),
        Selection(type="agent.failed"),
        Selection(state=State.DEAD),
        Selection(type="agent.failed", state=State.DEAD),
        Selection(subject="a1"),
        Selection(last_run=LastRun(fingerprint="f1")),
    ],
)
def test_what_an_index_leads_to_is_found_at_once(log: EventLog, selection: Selection) -> None:
    store(log, *[timedelta(0)] * 7)
    record(log, [an_event("agent.failed_0", "agent.failed", subject="a1")])
    run(log, "agent.failed_0", {"h": State.DEAD})
    fed = turn(log, make_replay(log, selection))
    assert (fed.event_ids, fed.finished) == (("agent.failed_0",), True)


@pytest.mark.parametrize(
    "selection",
    [
        Selection(type="agent.*"),
        Selection(type="agent.failed", state=State.DONE),
        Selection(type="agent.failed", state=State.PARKED),
        Selection(type="agent.failed", since=NOW - DAY),
        Selection(state=State.DONE, until=NOW - DAY),
        Selection(last_run=LastRun(version="abc123"), since=NOW - DAY),
    ],
)
def test_where_an_index_may_hold_many_others_a_turn_ends_early(log: EventLog, selection: Selection) -> None:
    store(log, *[timedelta(0)] * 4, *[2 * DAY] * 4)
    number = make_replay(log, selection, handlers=("h",))
    assert turn(log, number).goes_on
    assert cursor(log, number) == 3


def test_a_stage_that_is_full_ends_a_piece_early(log: EventLog) -> None:
    ids = store(log, *[DAY] * 4, *[timedelta(0)] * 4)
    selection = Selection(since=NOW - timedelta(hours=1))
    number = create(log, selection=selection, handlers={"h": ["*"]}, canary=True, who="a test")
    fed = [turn(log, number) for _ in range(3)]
    assert [(each.event_ids, each.goes_on) for each in fed] == [((), True), ((ids[4],), False), ((), False)]


OF_EVENTS = (
    "SELECT sum(idx_tup_read) + (SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'events')"
    " FROM pg_stat_user_indexes WHERE relname = 'events'"
)
LATE = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=MANY - 20)
MANY_SELECTED = {
    "all": Selection(),
    "since": Selection(since=LATE),
    "until": Selection(until=LATE),
    "since and until": Selection(since=LATE, until=LATE + timedelta(microseconds=9)),
    "family": Selection(type="memory.*"),
    "rare family": Selection(type="agent.*"),
    "type and since": Selection(type="memory.t1", since=LATE),
    "family and since": Selection(type="memory.*", since=LATE),
    "state and since": Selection(state=State.DONE, since=LATE),
    "subject and since": Selection(subject="s1", since=LATE),
    "type and state": Selection(type="memory.t1", state=State.DONE),
}


@pytest.mark.parametrize("name", MANY_SELECTED)
def test_a_look_goes_through_no_more_of_the_log_on_sqlite(sqlite_log: EventLog, name: str) -> None:
    fill(sqlite_log)
    number = make_replay(sqlite_log, MANY_SELECTED[name])
    with plans_of(sqlite_log) as plans:
        turn(sqlite_log, number, 1000)
    (plan,) = (plan for statement, plan in plans.items() if "ORDER BY events.seq" in statement)
    assert plan.endswith(("rowid>? AND rowid<?)", "seq>? AND seq<?)"))
    assert cursor(sqlite_log, number) == 3


@pytest.mark.parametrize("name", MANY_SELECTED)
def test_a_look_goes_through_no_more_of_the_log_on_postgresql(
    postgres_log: EventLog, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("eventlog.replay_look._SEQS_A_LOOK", 100)
    fill(postgres_log)
    number = make_replay(postgres_log, MANY_SELECTED[name])
    before = counted_by_postgresql(postgres_log, OF_EVENTS)
    turn(postgres_log, number, 1000)
    assert counted_by_postgresql(postgres_log, OF_EVENTS) - before < 300  # what is made looks its event up
    assert cursor(postgres_log, number) == 100


@pytest.mark.parametrize("selection", [Selection(since=NOW - DAY), Selection(type="agent.*")])
def test_postgresql_does_not_sort_all_that_came_since_it_last_counted(
    postgres_log: EventLog, monkeypatch: pytest.MonkeyPatch, selection: Selection
) -> None:
    monkeypatch.setattr("eventlog.replay_look._SEQS_A_LOOK", MANY)
    fill(postgres_log)
    record(postgres_log, [an_event(f"evt_{number}", "agent.failed") for number in range(100)])
    with plans_of(postgres_log) as plans:
        turn(postgres_log, make_replay(postgres_log, selection))
    (plan,) = (plan for statement, plan in plans.items() if "ORDER BY events.seq" in statement)
    assert "using pk_events" in plan
    assert "Sort" not in plan
