import random
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from sqlalchemy import func, select, update

from console.doctor import reconciling
from console.doctor.finding import Finding, Level
from console.doctor.reconciling import Reconciliation, Repair
from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.instant import database_now_plus
from eventlog.leases import claim, new_lease, renew
from eventlog.reconciliation import search
from eventlog.reconciliation.search import Extent, Part
from eventlog.replays import cancel
from eventlog.settlement import settle
from eventlog.states import UNFINISHED, State
from eventlog.tables import deliveries, events
from tests.eventlog.feeding import make_replay, turn
from tests.eventlog.reconciliation.damage import (
    DAMAGES,
    DONE,
    LONG_AGO,
    VICTIM,
    Damage,
    queued,
    running,
    set_event,
)
from tests.eventlog.reconciliation.living import LEASE, Living, a_result
from tests.eventlog.rows import LONG, delivery_rows, event_row, make_event_due
from tests.eventlog.stored import accept, opened, replay, run
from workers.queue.held_job import HeldJob
from workers.queue.registries import QueueContents


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    with closing(opened(database_url)) as log:
        yield log


class Mender:
    """Mends; remembers for what jobs were sent, and how long it waited."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, int]] = []
        self.slept: list[float] = []
        self.repair = Repair(send=self.send, renewal_seconds=11, sleep=self.slept.append)

    def send(self, ids: Sequence[str], replay: int) -> bool:
        self.jobs += [(event_id, replay) for event_id in ids]
        return True


def look(log: EventLog, mender: Mender | None = None, queue: QueueContents | None = None) -> list[Finding]:
    return list(Reconciliation(log, queue, repair=None if mender is None else mender.repair).check())


def look_at_all(log: EventLog) -> list[Finding]:
    return list(Reconciliation(log, None, progress=lambda _part, _extent: None).check())


def ills(found: list[Finding]) -> list[Finding]:
    """Leave out what is well, and what is harmless."""
    return [finding for finding in found if finding.level in (Level.PROBLEM, Level.MENDED)]


def contents(*jobs: HeldJob, waiting: int | None = None) -> QueueContents:
    return QueueContents(
        waiting=len(jobs) if waiting is None else waiting,
        jobs=jobs,
        entries=(),
        vanished_workers=0,
        is_suspended=False,
    )


@pytest.mark.long_on_both(otherwise="postgresql")
def test_nothing_is_found_in_a_log_that_lives(log: EventLog) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    living = Living(log, seed)
    for _ in range(8):
        living.live(10)
        assert ills(look(log)) == []
        assert ills(look_at_all(log)) == []
    with log.read() as connection:
        states = set(connection.execute(select(events.c.state)).scalars())
        assert connection.execute(select(func.count()).select_from(deliveries)).scalar_one()
    assert len(states) > 2, states


@pytest.mark.long_on_both(otherwise="sqlite")
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_each_damage_is_named_and_mended_and_the_event_then_settled(log: EventLog, damage: Damage) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    living = Living(log, seed)
    living.live(6)
    damage.prepare(log)
    before = look(log)
    assert ills(before) == []
    # What a cancelled replay left is healthy, and mended along with the damage.
    harmless = {name for finding in before for name in finding.ids if finding.level is Level.WARNING}
    damage.harm(log)

    for found in (ills(look(log)), ills(look_at_all(log))):
        assert damage.finds in {finding.check for finding in found}
        assert all(finding.level is Level.PROBLEM for finding in found)
        assert {name.partition(" ")[0] for finding in found for name in finding.ids} == {VICTIM}

    mender = Mender()
    mended = [finding for finding in look(log, mender) if finding.level is Level.MENDED]
    if not damage.is_mended:
        assert {name for finding in mended for name in finding.ids} <= harmless
        assert mender.jobs == []
        assert damage.finds in {finding.check for finding in ills(look(log))}
        return
    assert damage.finds in {finding.check for finding in mended}
    touched = {name for finding in mended for name in finding.ids} - harmless
    assert all(name.startswith(VICTIM) for name in touched)
    assert ills(look(log)) == []
    again = Mender()
    assert ills(look(log, again)) == []
    assert again.jobs == []

    # The time comes of a retry in an hour, and of the next sweep.
    with log.write() as connection:
        for table in (deliveries, events):
            put_off = table.c.state.in_((State.QUEUED, State.WAITING))
            connection.execute(update(table).where(put_off).values(due_at=LONG_AGO))
    living.settle_all(mender.jobs)
    living.settle_all([(VICTIM, 0)])
    assert event_row(log, VICTIM).state == damage.ends
    for number in range(20):
        states = {row.state for row in delivery_rows(log, VICTIM, replay=number).values()}
        assert not states & set(UNFINISHED)
    assert ills(look(log)) == []


def test_the_message_says_how_many_and_names_the_first(log: EventLog) -> None:
    ids = [f"evt_{number}" for number in range(7)]
    accept(log, *ids)
    make_event_due(log, *ids)
    (finding,) = ills(look(log))
    assert finding.message.startswith("7 events unfinished and more than 60 s overdue: evt_0, evt_1")
    assert finding.message.endswith(", ...")
    assert finding.ids == tuple(ids)
    (finding,) = ills(look(log, Mender()))
    assert "; queued again: evt_0, " in finding.message


def test_more_than_are_looked_for_at_once_are_all_mended(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FOUND_AT_MOST", 3)
    monkeypatch.setattr(reconciling, "FOUND_AT_MOST", 3)
    ids = [f"evt_{number}" for number in range(8)]
    accept(log, *ids)
    make_event_due(log, *ids)
    (finding,) = ills(look(log))
    assert finding.message.startswith("3 or more events")
    mender = Mender()
    assert ills(look(log, mender))[0].message.startswith("8 events")
    assert sorted(event_id for event_id, _ in mender.jobs) == ids


def test_what_a_waiting_job_names_is_backlog_and_not_stranded(log: EventLog) -> None:
    accept(log, "named", "forgotten")
    run(log, "named", DONE)
    number = replay(log, "named", "h1")
    accept(log, "waiting")
    run(log, "waiting", {"h1": State.WAITING})
    with log.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.replay > 0).values(due_at=LONG_AGO))
    make_event_due(log, "forgotten", "waiting")
    jobs = [HeldJob(id="j1", event_ids=("named", "waiting", "forgotten"), replay=number)]
    # Of another run, so not the one that it needs; a retry is claimed by no job before it is queued.
    (finding,) = ills(look(log, queue=contents(*jobs)))
    assert sorted(finding.ids) == ["forgotten", "waiting"]
    (finding,) = ills(look(log, queue=contents(*jobs, HeldJob(id="j2", event_ids=("forgotten", "waiting")))))
    assert finding.ids == ("waiting",)
    (finding,) = ills(look(log, queue=contents(waiting=10**6)))
    assert finding.ids == ("waiting",)


def test_a_lease_that_is_renewed_while_the_doctor_waits_is_left_alone(log: EventLog) -> None:
    lease = new_lease()
    accept(log, "held", "gone")
    claim(log, Hold(lease=lease, replay=0), ["held"], duration=-LONG)
    claim(log, Hold(lease=new_lease(), replay=0), ["gone"], duration=-LONG)
    mender = Mender()

    def sleep(seconds: float) -> None:
        assert seconds == 11
        renew(log, Hold(lease=lease, replay=0), duration=LEASE)

    repair = Repair(send=mender.send, renewal_seconds=11, sleep=sleep)
    (finding,) = ills(list(Reconciliation(log, None, repair=repair).check()))
    assert (finding.level, finding.ids) == (Level.MENDED, ("gone",))
    assert event_row(log, "held").lease == lease
    assert mender.jobs == [("gone", 0)]


def test_nobody_waits_where_no_lease_is_in_question(log: EventLog) -> None:
    queued(log)
    set_event(due_at=None)(log)
    mender = Mender()
    look(log, mender)
    assert mender.slept == []


def test_a_delivery_of_an_event_that_runs_is_left_to_its_worker(log: EventLog) -> None:
    running(log)
    row = event_row(log, VICTIM)
    settle(log, Hold(lease=row.lease, replay=0), results=[a_result(row.seq, "h1", State.WAITING)])
    with log.write() as connection:
        connection.execute(update(deliveries).values(due_at=None))
    mender = Mender()
    assert ills(look(log, mender)) == []
    assert event_row(log, VICTIM) == row


def test_what_a_cancelled_replay_left_is_harmless_and_withdrawn(log: EventLog) -> None:
    accept(log, "evt_1", "evt_2")
    run(log, "evt_1", DONE)
    number = make_replay(log, handlers=["h1"])
    turn(log, number, 1)
    assert cancel(log, number)
    with log.write() as connection:  # as a worker leaves it that settles at the moment of the cancellation
        connection.execute(
            update(deliveries)
            .where(deliveries.c.replay == number)
            .values(state=State.WAITING, due_at=database_now_plus(LONG), note=None)
        )
    (finding,) = [finding for finding in look(log) if finding.level is not Level.OK]
    assert (finding.level, finding.ids) == (Level.WARNING, (f"evt_1 h1 (replay {number})",))
    look(log, Mender())
    row = delivery_rows(log, "evt_1", replay=number)["h1"]
    assert (row.state, row.due_at) == (State.SKIPPED, None)
    assert {finding.level for finding in look(log)} == {Level.OK}


def test_a_delivery_without_an_event_is_named_and_deleted(sqlite_url: str) -> None:
    with closing(opened(sqlite_url)) as log:
        accept(log, "evt_1", "evt_2")
        run(log, "evt_2", DONE)
        run(log, "evt_1", DONE | {"h1": State.WAITING})
        with log._engine.connect() as connection:  # as the sqlite3 command does, which checks no foreign keys
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.execute("PRAGMA foreign_keys = OFF")
            raw.execute("DELETE FROM events WHERE id = 'evt_1'")
            raw.execute("PRAGMA foreign_keys = ON")
        (finding,) = ills(look(log))
        assert (finding.check, finding.ids) == ("no event", ("event 1 h1",))
        assert [finding.level for finding in ills(look(log, Mender()))] == [Level.MENDED]
        assert ills(look(log)) == []
        assert event_row(log, "evt_2").state == State.DONE


def test_what_redis_can_not_be_told_now_is_left_to_the_clock(log: EventLog) -> None:
    queued(log)
    set_event(due_at=None)(log)
    repair = Repair(send=lambda _ids, _replay: False, renewal_seconds=0)
    (finding,) = ills(list(Reconciliation(log, None, repair=repair).check()))
    assert "the clock sends their jobs when Redis is back" in finding.message
    assert event_row(log, VICTIM).state == State.QUEUED


def test_only_the_newest_finished_events_are_looked_at_unless_all_are(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "ROWS", 5)
    monkeypatch.setattr(search, "PART", 5)
    monkeypatch.setattr(reconciling, "ROWS", 5)
    accept(log, "old", *(f"evt_{number}" for number in range(10)))
    run(log, "old", DONE)
    with log.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.handler == "h1").values(state=State.DEAD))
    assert ills(look(log)) == []
    seen: list[tuple[Part, Extent]] = []
    whole = Reconciliation(log, None, progress=lambda part, extent: seen.append((part, extent)))
    (finding,) = ills(list(whole.check()))
    assert finding.ids == ("old",)
    assert [(part.after, part.upto) for part, _ in seen] == [(0, 5), (5, 10), (10, 11)]


def test_going_through_all_can_be_interrupted(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PART", 2)
    accept(log, *(f"evt_{number}" for number in range(6)))
    make_event_due(log, "evt_0", "evt_5")

    def interrupt(part: Part, _extent: Extent) -> None:
        if part.after == 4:
            raise KeyboardInterrupt

    found = list(Reconciliation(log, None, progress=interrupt).check())
    assert [finding.ids for finding in ills(found)] == [("evt_0",)]
    (warning,) = [finding for finding in found if finding.level is Level.WARNING]
    assert "of 6 events, the first 4 were looked at" in warning.message
