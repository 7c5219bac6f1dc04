"""What the parent does about the claim of a child that died."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from eventlog.database import EventLog
from eventlog.detail import EventDetail, read_detail
from eventlog.replay_feed import feed
from eventlog.replays import create
from eventlog.selection import Selection
from eventlog.settlement import settle
from eventlog.states import State
from tests.eventlog.stored import accept
from tests.workers.claims import a_result, claim_batch, claim_some, closing, expire_leases
from workers.batch import Batch
from workers.crash import describe_exit, recover
from workers.page import Note, Running
from workers.queue.redis_queue import EventQueue
from workers.replay import choose_handlers

CAUSE = "was ended by SIGSEGV"


@dataclass(frozen=True, slots=True)
class Recovering:
    log: EventLog
    queue: EventQueue

    def recover(self, note: Note, *, charge: bool = True) -> None:
        recover(self.log, self.queue, note, cause=CAUSE, charge=charge)

    def detail(self, event_id: str) -> EventDetail:
        found = read_detail(self.log, event_id)
        assert found is not None
        return found


@pytest.fixture
def here(log: EventLog, redis_url: str) -> Iterator[Recovering]:
    queue = EventQueue.connect(redis_url)
    yield Recovering(log, queue)
    queue.close()


def a_note(
    batch: Batch, *, seq: int | None = None, retry_in: timedelta | None = timedelta(seconds=9)
) -> Note:
    running = Running(
        seq=seq or 0,
        event_id=f"evt_{seq}",
        handler="h",
        attempt=1,
        failures=1,
        version="abc",
        started_at=datetime.now(UTC),
        timeout_seconds=30,
        kill_at=0,
        state_after_crash=State.DEAD if retry_in is None else State.WAITING,
        retry_after_crash=retry_in,
    )
    return Note(
        is_ready=True,
        lease=batch.hold.lease,
        replay=batch.hold.replay,
        running=None if seq is None else running,
    )


def test_the_delivery_that_ran_is_charged_and_the_others_are_freed(here: Recovering) -> None:
    batch = claim_some(here.log, "evt_1", "evt_2", "evt_3")
    settle(here.log, batch.hold, results=[a_result(1)], closings=[closing(1, "evt_1")])
    with capture_logs() as logs:
        here.recover(a_note(batch, seq=2))
    assert here.detail("evt_1").state is State.DONE
    (delivery,) = here.detail("evt_2").deliveries
    assert (delivery.state, delivery.attempts) == (State.WAITING, 1)
    (failure,) = here.detail("evt_2").failures
    assert failure.message == "the worker process was ended by SIGSEGV while this handler ran"
    assert [here.detail(f"evt_{number}").state for number in (2, 3)] == [State.QUEUED] * 2
    assert here.detail("evt_3").deliveries == ()
    assert here.queue.waiting_jobs() == 1
    assert [line["event"] for line in logs] == ["delivery_waiting"]


def test_with_its_retries_used_up_the_delivery_is_dead(here: Recovering) -> None:
    batch = claim_some(here.log, "evt_1")
    here.recover(a_note(batch, seq=1, retry_in=None))
    assert [one.state for one in here.detail("evt_1").deliveries] == [State.DEAD]


def test_a_child_that_was_told_to_stop_is_charged_nothing(here: Recovering) -> None:
    batch = claim_some(here.log, "evt_1", "evt_2")
    here.recover(a_note(batch, seq=1), charge=False)
    assert [here.detail(f"evt_{number}").state for number in (1, 2)] == [State.QUEUED] * 2
    assert here.detail("evt_1").deliveries == ()
    assert here.detail("evt_1").failures == ()


def test_a_child_that_died_between_handlers_is_charged_nothing(here: Recovering) -> None:
    batch = claim_some(here.log, "evt_1")
    here.recover(a_note(batch))
    assert here.detail("evt_1").state is State.QUEUED
    assert here.detail("evt_1").failures == ()


def test_a_child_that_held_nothing_leaves_nothing_to_do(here: Recovering) -> None:
    claim_some(here.log, "evt_1")
    here.recover(Note(is_ready=True))
    assert here.detail("evt_1").state is State.RUNNING


def test_a_lease_that_was_lost_before_is_no_longer_the_childs_to_answer_for(here: Recovering) -> None:
    batch = claim_some(here.log, "evt_1")
    expire_leases(here.log)
    taken_over = claim_batch(here.log, ["evt_1"])
    with capture_logs() as logs:
        here.recover(a_note(batch, seq=1))
    assert here.detail("evt_1").state is State.RUNNING
    assert here.detail("evt_1").failures == ()
    assert logs == []
    assert taken_over.start_next() is not None


def test_recovering_twice_charges_once(here: Recovering) -> None:
    batch = claim_some(here.log, "evt_1")
    for _ in range(2):
        here.recover(a_note(batch, seq=1))
    assert len(here.detail("evt_1").failures) == 1


def test_with_redis_away_the_log_is_put_right_all_the_same(log: EventLog, tmp_path: Path) -> None:
    batch = claim_some(log, "evt_1")
    here = Recovering(log, EventQueue.connect(f"unix://{tmp_path}/nobody"))
    with capture_logs() as logs:
        here.recover(a_note(batch, seq=1))
    assert here.detail("evt_1").state is State.QUEUED
    assert [line["event"] for line in logs] == ["delivery_waiting", "queue_unavailable"]


def test_in_a_replay_its_delivery_is_charged_and_the_others_are_freed(here: Recovering) -> None:
    accept(here.log, "evt_1", "evt_2")
    first = claim_batch(here.log, ["evt_1", "evt_2"])
    closings = [closing(1, "evt_1"), closing(2, "evt_2")]
    settle(here.log, first.hold, results=[a_result(1), a_result(2)], closings=closings)
    replay = create(here.log, selection=Selection(), handlers={"h": ["*"], "i": ["*"]}, who="a test")
    feed(here.log, replay, turn=10, choose=choose_handlers)
    batch = claim_batch(here.log, ["evt_1", "evt_2"], replay=replay)
    here.recover(a_note(batch, seq=1))
    states = {
        (detail.id, one.handler): one.state
        for detail in (here.detail("evt_1"), here.detail("evt_2"))
        for one in detail.deliveries
        if one.replay == replay
    }
    assert states == {
        ("evt_1", "h"): State.WAITING,
        ("evt_1", "i"): State.QUEUED,
        ("evt_2", "h"): State.QUEUED,
        ("evt_2", "i"): State.QUEUED,
    }
    assert [here.detail(f"evt_{number}").state for number in (1, 2)] == [State.DONE] * 2


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-11, "was ended by SIGSEGV"),
        (-9, "was ended by SIGKILL"),
        (-250, "was ended by signal 250"),
    ],
)
def test_an_exit_is_worded(code: int, words: str) -> None:
    assert describe_exit(code) == words


def test_a_crash_is_on_record_with_the_code_that_ran(here: Recovering) -> None:
    accept(here.log, "evt_1")
    batch = claim_batch(here.log, ["evt_1"])
    claimed = batch.start_next()
    assert claimed is not None
    note = a_note(batch, seq=claimed.seq)
    assert note.running is not None
    running = structs.replace(note.running, release="2026.11")
    here.recover(structs.replace(note, running=running))
    (delivery,) = here.detail("evt_1").deliveries
    (failure,) = here.detail("evt_1").failures
    assert (delivery.version, delivery.release) == ("abc", "2026.11")
    assert (failure.version, failure.release) == ("abc", "2026.11")
