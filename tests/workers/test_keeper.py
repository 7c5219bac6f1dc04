"""The keeper, beside a batch that the test dispatches itself."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from eventlog import leases
from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.errors import LogUnavailable
from eventlog.states import State
from tests.eventlog.wal import in_the_file, with_empty_wal
from tests.servers.postgres import PostgreSQL
from tests.servers.waiting import wait_until
from tests.workers.claims import a_result, claim_batch, claim_some, closing, expire_leases
from workers.batch import Batch
from workers.keeper import Keeper
from workers.queue.redis_queue import EventQueue

Keep = Callable[..., Keeper]


@pytest.fixture
def keep(queue: EventQueue) -> Iterator[Keep]:
    """Return what starts a keeper on a log; it keeps nothing beyond the test."""
    keepers: list[Keeper] = []

    def start_keeper(log: EventLog, queue: EventQueue = queue) -> Keeper:
        keepers.append(Keeper(log, queue, check_process=lambda: None))
        keepers[-1].start()
        return keepers[-1]

    yield start_keeper
    for keeper in keepers:
        keeper.finish()


@pytest.fixture
def keeper(log: EventLog, keep: Keep) -> Keeper:
    return keep(log)


def state(log: EventLog, event_id: str) -> State:
    detail = read_detail(log, event_id)
    assert detail is not None
    return detail.state


def start(batch: Batch) -> int:
    claimed = batch.start_next()
    assert claimed is not None
    return claimed.seq


def test_an_outcome_is_recorded_soon_while_a_slow_handler_still_runs(log: EventLog, keeper: Keeper) -> None:
    batch = claim_some(log, "evt_1", "evt_2")
    keeper.watch(batch)
    seq = start(batch)
    keeper.add([a_result(seq)])
    keeper.add([], closing(seq, "evt_1"))
    start(batch)  # and it runs on and on
    wait_until(lambda: state(log, "evt_1") is State.DONE, 0.2)
    assert state(log, "evt_2") is State.RUNNING


def test_the_end_of_an_event_is_recorded_soon_after_its_last_outcome_was(
    log: EventLog, keeper: Keeper
) -> None:
    batch = claim_some(log, "evt_1", "evt_2")
    keeper.watch(batch)
    seq = start(batch)
    keeper.add([a_result(seq)])
    wait_until(lambda: len(_detail_handlers(log, "evt_1")) == 1)
    keeper.add([], closing(seq, "evt_1"))
    wait_until(lambda: state(log, "evt_1") is State.DONE, 0.15)


def test_finish_waits_until_everything_is_recorded(log: EventLog, keeper: Keeper) -> None:
    batch = claim_some(log, "evt_1")
    keeper.watch(batch)
    seq = start(batch)
    keeper.add([a_result(seq)], closing(seq, "evt_1"))
    keeper.finish()
    assert state(log, "evt_1") is State.DONE


def test_one_batch_follows_the_other(log: EventLog, keeper: Keeper) -> None:
    for number in range(20):
        batch = claim_some(log, f"evt_{number}")
        keeper.watch(batch)
        seq = start(batch)
        keeper.add([a_result(seq)], closing(seq, f"evt_{number}"))
        keeper.finish()
    assert {state(log, f"evt_{number}") for number in range(20)} == {State.DONE}


def test_what_was_recorded_is_moved_from_sqlites_wal_between_commits(
    log: EventLog, sqlite_url: str, keep: Keep
) -> None:
    batch = claim_some(log, *(f"evt_{number}" for number in range(150)))
    database = with_empty_wal(sqlite_url)
    keeper = keep(log)
    keeper.watch(batch)
    for number in range(150):
        seq = start(batch)
        keeper.add([a_result(seq)], closing(seq, f"evt_{number}"))
    keeper.finish()
    wait_until(lambda: in_the_file(database, "deliveries") == 150)


def test_what_was_not_started_is_handed_back_after_a_second_with_a_job(
    log: EventLog, queue: EventQueue, keeper: Keeper
) -> None:
    batch = claim_some(log, "evt_1", "evt_2", "evt_3")
    keeper.watch(batch)
    start(batch)
    wait_until(lambda: state(log, "evt_3") is State.QUEUED, 2)
    assert state(log, "evt_1") is State.RUNNING
    assert state(log, "evt_2") is State.QUEUED
    wait_until(lambda: queue.waiting_jobs() == 1)
    assert batch.start_next() is None


def test_told_to_stop_it_hands_back_at_once(log: EventLog, keeper: Keeper) -> None:
    batch = claim_some(log, "evt_1", "evt_2")
    keeper.watch(batch)
    start(batch)
    keeper.hand_back_unstarted()
    wait_until(lambda: state(log, "evt_2") is State.QUEUED, 0.6)


def test_with_redis_away_it_hands_back_all_the_same(log: EventLog, keep: Keep, tmp_path: Path) -> None:
    keeper = keep(log, EventQueue.connect(f"unix://{tmp_path}/nobody"))
    batch = claim_some(log, "evt_1", "evt_2")
    keeper.watch(batch)
    start(batch)
    with capture_logs() as logs:
        keeper.hand_back_unstarted()
        wait_until(lambda: any(line["event"] == "queue_unavailable" for line in logs))
    assert state(log, "evt_2") is State.QUEUED


def test_a_lost_lease_drops_the_outcome_and_says_so(log: EventLog, keeper: Keeper) -> None:
    batch = claim_some(log, "evt_1")
    keeper.watch(batch)
    seq = start(batch)
    expire_leases(log)
    with capture_logs() as logs:
        keeper.add([a_result(seq)], closing(seq, "evt_1"))
        keeper.finish()
    assert batch.has_lost(seq)
    assert [line["event"] for line in logs] == ["lease_lost"]
    assert state(log, "evt_1") is State.QUEUED
    assert _detail_handlers(log, "evt_1") == []


def test_once_a_lease_is_lost_nothing_more_of_the_batch_is_started(log: EventLog, keeper: Keeper) -> None:
    batch = claim_some(log, "evt_1", "evt_2")
    keeper.watch(batch)
    seq = start(batch)
    expire_leases(log)
    keeper.add([a_result(seq)])
    wait_until(lambda: batch.has_lost(seq))
    assert batch.start_next() is None


def test_what_is_added_to_an_abandoned_batch_never_reaches_the_next(
    postgres_url: str, keep: Keep, open_log: Callable[[str], EventLog]
) -> None:
    log = open_log(postgres_url)
    keeper = keep(log)
    batch = claim_some(log, "evt_1")
    keeper.watch(batch)
    seq = start(batch)
    with capture_logs() as logs:
        keeper.add([replace(a_result(seq), duration=None)])  # a defect of ours
        wait_until(lambda: batch.has_lost(seq))
        keeper.add([a_result(seq)])
        keeper.finish()
        following = claim_some(log, "evt_2")
        keeper.watch(following)
        second = start(following)
        keeper.add([a_result(second)], closing(second, "evt_2"))
        keeper.finish()
    assert [line["event"] for line in logs] == ["settle_failed", "event_settled"]
    assert state(log, "evt_2") is State.DONE


def test_it_rests_when_something_is_added_to_an_abandoned_batch(
    log: EventLog, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise ValueError("a defect of ours")

    monkeypatch.setattr("workers.keeper.settle", fail)
    batch = claim_some(log, "evt_1")
    keeper.watch(batch)
    seq = start(batch)
    with capture_logs():
        keeper.add([a_result(seq)])
        wait_until(lambda: keeper._batch is None)
    keeper.add([a_result(seq)], closing(seq, "evt_1"))  # of handlers that ran meanwhile
    assert not keeper._has_work()


def test_an_event_with_an_outcome_that_is_refused_is_not_closed_and_its_neighbours_are(
    postgres_url: str, keep: Keep, open_log: Callable[[str], EventLog]
) -> None:
    log = open_log(postgres_url)
    keeper = keep(log)
    batch = claim_some(log, "evt_1", "evt_2")
    keeper.watch(batch)
    first, second = start(batch), start(batch)
    with capture_logs() as logs:
        keeper.add([a_result(first, handler="h" * 201), a_result(second)])
        wait_until(lambda: batch.has_lost(first))
        keeper.add([a_result(first)], closing(first, "evt_1"))
        keeper.add([], closing(second, "evt_2"))
        keeper.finish()
    assert [line["event"] for line in logs] == ["outcome_refused", "lease_lost", "event_settled"]
    assert (state(log, "evt_1"), state(log, "evt_2")) == (State.RUNNING, State.DONE)
    assert _detail_handlers(log, "evt_1") == []


def test_when_the_log_comes_back_everything_is_recorded(
    postgres_url: str, postgres: PostgreSQL, keep: Keep, open_log: Callable[[str], EventLog]
) -> None:
    log = open_log(postgres_url)
    keeper = keep(log)
    batch = claim_some(log, "evt_1", "evt_2", "evt_3")
    keeper.watch(batch)
    seq = start(batch)
    with capture_logs() as logs:
        postgres.kill()
        keeper.add([a_result(seq)], closing(seq, "evt_1"))
        keeper.hand_back_unstarted()
        wait_until(lambda: any(line["event"] == "log_unavailable" for line in logs))
        finishing = threading.Thread(target=keeper.finish)
        finishing.start()
        postgres.start()
        finishing.join(15)
    assert not finishing.is_alive()
    assert [state(log, f"evt_{number}") for number in (1, 2, 3)] == [State.DONE, State.QUEUED, State.QUEUED]


def test_a_hand_back_that_failed_is_tried_again(
    postgres_url: str, postgres: PostgreSQL, keep: Keep, open_log: Callable[[str], EventLog]
) -> None:
    log = open_log(postgres_url)
    keeper = keep(log)
    batch = claim_some(log, "evt_1", "evt_2")
    keeper.watch(batch)
    start(batch)
    with capture_logs() as logs:
        postgres.kill()
        keeper.hand_back_unstarted()
        wait_until(lambda: any(line["event"] == "log_unavailable" for line in logs))
        postgres.start()
        wait_until(lambda: state(log, "evt_2") is State.QUEUED)


def test_what_may_have_been_handed_back_already_is_not_started_here(
    postgres_url: str,
    keep: Keep,
    open_log: Callable[[str], EventLog],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = open_log(postgres_url)
    keeper = keep(log)
    batch = claim_some(log, "evt_1", "evt_2")
    keeper.watch(batch)
    start(batch)

    def lose_the_answer(*args: Any, **kwargs: Any) -> NoReturn:
        monkeypatch.undo()
        leases.hand_back(*args, **kwargs)
        raise LogUnavailable("the connection was lost during the commit")

    monkeypatch.setattr("eventlog.leases.hand_back", lose_the_answer)
    with capture_logs() as logs:
        keeper.hand_back_unstarted()
        wait_until(lambda: any(line["event"] == "log_unavailable" for line in logs))
        other = claim_batch(log, ["evt_2"])
        start(other)
        assert batch.start_next() is None
        keeper.finish()
    assert leases.holds(log, other.hold, seq=2)


def _detail_handlers(log: EventLog, event_id: str) -> list[str]:
    detail = read_detail(log, event_id)
    assert detail is not None
    return [one.handler for one in detail.deliveries]


def test_events_that_are_settled_together_have_a_line_each(log: EventLog, keep: Keep) -> None:
    keeper = keep(log)
    ids = [f"evt_{number}" for number in range(30)]
    batch = claim_some(log, *ids)
    keeper.watch(batch)
    with capture_logs() as logs:
        with keeper._changed:  # held: one settle finds them all
            for event_id in ids:
                seq = start(batch)
                keeper.add([a_result(seq)], closing(seq, event_id))
        keeper.finish()
    told = [line for line in logs if line["event"] == "event_settled"]
    assert [line["event_id"] for line in told] == ids
    assert {line["state"] for line in told} == {"done"}
