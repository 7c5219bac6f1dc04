from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from eventlog import failure_group_detail, failure_groups, still_dead
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.failure_group_detail import read_group
from eventlog.failure_groups import FailedCode, Filters, find_fingerprints, read_groups
from eventlog.last_run import LastRun
from eventlog.replay_preview import preview
from eventlog.replays import cancel
from eventlog.selection import Selection
from eventlog.states import State
from tests.eventlog.feeding import feed_all, make_replay
from tests.eventlog.repeating import BOOM, NEW, OLD, OTHER, ran
from tests.eventlog.stored import accept, an_event

OLD_CODE = FailedCode(handler="h", version=OLD, release=None)
NEW_CODE = FailedCode(handler="h", version=NEW, release="r2")


def failed(log: EventLog) -> None:
    """Fail thrice with BOOM, by two versions, and once with OTHER, last of all."""
    accept(log, "a", "b", "c")
    record(log, [an_event("d", "agent.failed")])
    ran(log, "a", State.DEAD, message="the first", ended=timedelta(hours=3))
    ran(log, "b", State.DEAD, message="the second", ended=timedelta(hours=2))
    ran(log, "c", State.DEAD, version=NEW, release="r2", message="the third", ended=timedelta(hours=1))
    ran(log, "d", State.DEAD, handler="g", fingerprint=OTHER)


def test_failures_of_one_fingerprint_are_one_group_the_newest_first(log: EventLog) -> None:
    failed(log)
    other, boom = read_groups(log, Filters(), limit=10)
    assert (other.fingerprint, other.count, other.still_dead) == (OTHER, 1, 1)
    assert (boom.fingerprint, boom.count, boom.still_dead) == (BOOM, 3, 3)
    assert (boom.error_type, boom.message) == ("ValueError", "the third")
    assert boom.code == (NEW_CODE, OLD_CODE)
    assert timedelta(hours=1, minutes=59) < boom.last_at - boom.first_at < timedelta(hours=2, minutes=1)
    assert [group.fingerprint for group in read_groups(log, Filters(), limit=1)] == [OTHER]


def test_filters_choose_failures_not_groups(log: EventLog) -> None:
    failed(log)
    assert [group.fingerprint for group in read_groups(log, Filters(handler="g"), limit=9)] == [OTHER]
    assert [group.fingerprint for group in read_groups(log, Filters(type="memory.*"), limit=9)] == [BOOM]
    recent = Filters(since=datetime.now(UTC) - timedelta(minutes=90), handler="h")
    (boom,) = read_groups(log, recent, limit=9)
    assert (boom.count, boom.still_dead, boom.code) == (1, 1, (NEW_CODE,))
    assert read_groups(log, Filters(type="usage.*"), limit=9) == []


def test_still_dead_is_what_a_replay_would_repeat(log: EventLog) -> None:
    failed(log)

    def still_dead() -> int:
        (boom,) = read_groups(log, Filters(handler="h"), limit=9)
        found = preview(log, Selection(last_run=LastRun(fingerprint=BOOM)), {"h": ["*"]})
        assert found.deliveries == boom.still_dead
        return boom.still_dead

    assert still_dead() == 3
    mended = make_replay(log, Selection(ids=("a",)))
    feed_all(log, mended)
    assert still_dead() == 2
    cancel(log, mended)
    assert still_dead() == 3
    again = make_replay(log, Selection(ids=("a", "b")))
    feed_all(log, again)
    ran(log, "a", State.DONE, replay=again)
    ran(log, "b", State.DEAD, replay=again)
    assert still_dead() == 2
    (boom,) = read_groups(log, Filters(handler="h"), limit=9)
    assert boom.count == 4


def test_a_group_is_told_with_its_code_its_events_and_the_newest(log: EventLog) -> None:
    failed(log)
    mended = make_replay(log, Selection(ids=("a",)))
    feed_all(log, mended)
    ran(log, "a", State.DONE, version=NEW, replay=mended)
    group = read_group(log, BOOM, listed=2)
    assert group
    assert (group.count, group.events, group.still_dead) == (3, 3, 2)
    assert [(each.code, each.count) for each in group.by_code] == [(NEW_CODE, 1), (OLD_CODE, 2)]
    assert (group.newest_event_id, group.newest.message) == ("c", "the third")
    assert (group.newest.version, group.newest.release) == (NEW, "r2")
    assert [(hit.id, hit.handler, hit.state) for hit in group.hit] == [
        ("c", "h", State.DEAD),
        ("b", "h", State.DEAD),
    ]
    whole = read_group(log, BOOM, listed=10)
    assert whole
    assert (whole.hit[-1].id, whole.hit[-1].state) == ("a", State.DONE)
    assert read_group(log, "f" * 16, listed=2) is None


def test_an_event_that_failed_often_is_one_event(log: EventLog) -> None:
    accept(log, "a")
    ran(log, "a", State.DEAD)
    number = make_replay(log)
    feed_all(log, number)
    ran(log, "a", State.DEAD, replay=number)
    group = read_group(log, BOOM, listed=10)
    assert group
    assert (group.count, group.events, len(group.hit), group.still_dead) == (2, 1, 1, 1)


def test_counting_stops_early_and_says_so(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    failed(log)
    monkeypatch.setattr(failure_groups, "_COUNTED", 2)
    monkeypatch.setattr(failure_groups, "_DEAD_AMONG", 2)
    monkeypatch.setattr(failure_group_detail, "_ROWS", 2)
    (other, boom) = read_groups(log, Filters(), limit=9)
    assert (other.count, other.more, other.still_dead, other.more_dead) == (1, False, 1, False)
    assert (boom.count, boom.more, boom.still_dead, boom.more_dead) == (2, True, 3, False)
    monkeypatch.setattr(still_dead, "_FEW", 1)
    (other, boom) = read_groups(log, Filters(), limit=9)
    assert (other.still_dead, other.more_dead) == (1, False)
    assert (boom.still_dead, boom.more_dead) == (2, True)
    group = read_group(log, BOOM, listed=9)
    assert group
    assert (group.count, group.more, group.still_dead, group.more_dead) == (2, True, 2, True)
    assert timedelta(hours=1, minutes=59) < group.last_at - group.first_at


def test_a_handlers_newest_failure_is_told_though_it_is_on_an_old_event(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_groups, "_LOOKED_AT", 2)
    failed(log)
    again = make_replay(log, Selection(ids=("a",)))
    feed_all(log, again)
    ran(log, "a", State.DEAD, version=NEW, release="r2", message="again", replay=again)
    (group, _) = read_groups(log, Filters(), limit=9)
    assert (group.message, group.count) == ("again", 4)
    assert read_groups(log, Filters(handler="h"), limit=9) == [group]
    recent = Filters(handler="h", since=datetime.now(UTC) - timedelta(minutes=30))
    assert [each.message for each in read_groups(log, recent, limit=9)] == ["again"]


def test_a_handler_is_found_in_a_group_whose_newest_failures_are_anothers(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_groups, "_LOOKED_AT", 1)
    accept(log, "a", "b", "c")
    ran(log, "a", State.DEAD, handler="g", message="the first")
    ran(log, "b", State.DEAD, message="of another")
    ran(log, "c", State.DEAD, message="of another")
    (group,) = read_groups(log, Filters(handler="g"), limit=9)
    assert (group.message, group.count, group.still_dead) == ("the first", 1, 1)


def test_fingerprints_are_found_by_their_first_digits(log: EventLog) -> None:
    failed(log)
    assert find_fingerprints(log, "0000") == [BOOM, OTHER]
    assert find_fingerprints(log, "0000", limit=1) == [BOOM]
    assert find_fingerprints(log, BOOM) == [BOOM]
    assert find_fingerprints(log, "1") == []


@pytest.mark.parametrize(
    "filters", [Filters(), Filters(since=datetime(2026, 1, 1, tzinfo=UTC)), Filters(handler="h")]
)
def test_no_look_reads_all_events_or_deliveries(sqlite_log: EventLog, filters: Filters) -> None:
    failed(sqlite_log)
    taken: list[tuple[str, tuple[object, ...]]] = []

    @event.listens_for(sqlite_log._engine, "before_cursor_execute")
    def take(_connection, _cursor, statement, parameters, *_) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002
        if statement.startswith("SELECT"):
            taken.append((statement, parameters))

    read_groups(sqlite_log, filters, limit=5)
    read_group(sqlite_log, BOOM, listed=5)
    find_fingerprints(sqlite_log, "0")
    assert len(taken) > 8
    with sqlite_log.read() as connection:
        for statement, parameters in taken:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan = "\n".join(str(row[-1]) for row in rows)
            for table in ("events", "deliveries"):
                unbounded = (f"SCAN {table}", f"SEARCH {table} USING INDEX ix_deliveries_state")
                dead = f"SCAN {table} USING INDEX ix_deliveries_dead"
                assert dead in plan or not any(words in plan for words in unbounded), (statement, plan)
            assert "SCAN failures\n" not in f"{plan}\n", (statement, plan)
