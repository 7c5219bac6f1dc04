"""Dead deliveries that a person dealt with: who and why is kept, and nobody is bothered with them again."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.diagnosis import read_recently_dead
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.listing import read_page
from eventlog.replay_preview import preview
from eventlog.resolution import Resolution, resolve
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.sweep import sweep
from eventlog.tables import deliveries, events
from tests.eventlog.collisions import in_the_background, is_held_up
from tests.eventlog.feeding import make_replay, turn
from tests.eventlog.rows import delivery_rows, event_row, make_delivery_due, make_event_due
from tests.eventlog.stored import accept, opened, replay, run
from tests.servers.waiting import wait_until

LEASE = timedelta(seconds=30)


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    with closing(opened(database_url)) as log:
        yield log


def dead(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"good": State.DONE, "bad": State.DEAD, "worse": State.DEAD})


def resolved(log: EventLog, handler: str | None = None, *, why: str = "paid by hand") -> Resolution:
    done = resolve(log, "evt_1", handler=handler, by="me@here", why=why)
    assert done is not None
    return done


def names(done: Resolution) -> list[tuple[str, int]]:
    return [(each.handler, each.replay) for each in done.event.deliveries if each.id in done.ids]


def test_dead_deliveries_are_resolved_with_who_and_why(log: EventLog) -> None:
    dead(log)
    assert names(resolved(log)) == [("bad", 0), ("worse", 0)]
    detail = read_detail(log, "evt_1")
    assert detail is not None
    assert detail.state is State.RESOLVED
    good, bad, _ = detail.deliveries
    assert (good.state, good.resolved_at) == (State.DONE, None)
    assert (bad.state, bad.resolved_by, bad.resolved_why) == (State.RESOLVED, "me@here", "paid by hand")
    assert bad.resolved_at is not None
    assert len(detail.failures) == 2


def test_an_event_stays_dead_while_another_of_its_deliveries_is(log: EventLog) -> None:
    dead(log)
    assert names(resolved(log, "bad")) == [("bad", 0)]
    assert event_row(log, "evt_1").state == State.DEAD
    assert names(resolved(log, "worse")) == [("worse", 0)]
    assert event_row(log, "evt_1").state == State.RESOLVED


def test_a_second_time_nothing_changes(log: EventLog) -> None:
    dead(log)
    resolved(log)
    before = delivery_rows(log, "evt_1")
    assert names(resolved(log, why="again")) == []
    assert delivery_rows(log, "evt_1") == before


def test_what_is_not_dead_stays_as_it_is(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"good": State.DONE, "bad": State.WAITING, "other": State.SKIPPED})
    before, event = delivery_rows(log, "evt_1"), event_row(log, "evt_1")
    assert names(resolved(log)) == []
    assert (delivery_rows(log, "evt_1"), event_row(log, "evt_1")) == (before, event)


def test_what_died_in_a_replay_is_resolved_too(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"bad": State.DONE})
    number = replay(log, "evt_1", "bad")
    run(log, "evt_1", {"bad": State.DEAD}, in_replay=number)
    assert names(resolved(log)) == [("bad", number)]
    assert event_row(log, "evt_1").state == State.DONE


def test_the_event_still_waits_for_what_is_unfinished(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"bad": State.DEAD, "slow": State.WAITING})
    before = event_row(log, "evt_1")
    resolved(log)
    after = event_row(log, "evt_1")
    assert after.state == State.WAITING
    assert abs(after.due_at - before.due_at) < timedelta(seconds=1)


def test_it_is_listed_as_resolved_and_counts_as_dead_no_more(log: EventLog) -> None:
    dead(log)
    assert read_recently_dead(log, within=timedelta(hours=1)).count == 2
    resolved(log, "bad")
    assert read_recently_dead(log, within=timedelta(hours=1)).first == ("evt_1 worse",)
    resolved(log)
    assert read_recently_dead(log, within=timedelta(hours=1)).count == 0
    (listed,) = read_page(log, Selection(state=State.RESOLVED), limit=9).events
    assert (listed.id, listed.dead_handlers) == ("evt_1", ())
    assert read_page(log, Selection(state=State.RESOLVED, handler="bad"), limit=9).events
    assert not read_page(log, Selection(state=State.RESOLVED, handler="good"), limit=9).events


def test_a_replay_of_what_failed_leaves_it_out(log: EventLog) -> None:
    dead(log)
    handlers = {"bad": ["*"], "worse": ["*"]}
    resolved(log, "bad")
    assert preview(log, Selection(), {"bad": ["*"]}, only_failed=True).wanted == 0
    number = make_replay(log, handlers=list(handlers), only_failed=True)
    turn(log, number, 10)
    assert list(delivery_rows(log, "evt_1", replay=number)) == ["worse"]


def test_while_a_worker_is_at_the_event_it_is_left_to_it(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"bad": State.DEAD, "slow": State.WAITING})
    make_delivery_due(log, "slow")
    make_event_due(log, "evt_1")
    sweep(log)
    claim(log, Hold(lease=new_lease(), replay=0), ["evt_1"], duration=LEASE)
    done = resolved(log)
    assert (names(done), len(done.left)) == ([], 1)
    assert delivery_rows(log, "evt_1")["bad"].state == State.DEAD


def test_what_it_held_up_in_its_line_goes_on(log: EventLog) -> None:
    accept(log, "evt_1", "evt_2", "evt_3")
    run(log, "evt_1", {"bad": State.DEAD})
    for event_id in ("evt_2", "evt_3"):
        run(log, event_id, {"bad": State.WAITING})
    with log.write() as connection:
        connection.execute(update(deliveries).values(line="m1", queue="hooks"))
        behind = deliveries.c.state == State.WAITING
        connection.execute(update(deliveries).where(behind).values(state=State.PARKED, due_at=None))
    done = resolved(log)
    assert [woken.event_id for woken in done.woken] == ["evt_2"]
    rows = [delivery_rows(log, event_id)["bad"] for event_id in ("evt_1", "evt_2", "evt_3")]
    assert [row.state for row in rows] == [State.RESOLVED, State.QUEUED, State.PARKED]
    assert [row.line for row in rows] == [None, "m1", "m1"]


def test_an_unknown_event_is_none(log: EventLog) -> None:
    assert resolve(log, "evt_x", by="me@here", why="") is None


def test_a_worker_that_claims_at_the_same_time_is_left_to_close_the_event(postgres_url: str) -> None:
    with closing(opened(postgres_url)) as log:
        dead(log)
        with log.write() as connection:
            claimed = update(events).values(state=State.RUNNING, lease=new_lease())
            connection.execute(claimed)
            with in_the_background(lambda: resolved(log)) as told:
                wait_until(lambda: is_held_up(log))
                connection.commit()
        assert (names(told()), len(told().left)) == ([], 2)
        with log.read() as connection:
            states = connection.execute(select(deliveries.c.state).order_by(deliveries.c.id)).scalars()
            assert list(states) == [State.DONE, State.DEAD, State.DEAD]
