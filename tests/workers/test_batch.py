"""A batch between the dispatching thread and the keeper."""

import threading
from datetime import UTC, datetime

from eventlog.event import Event
from eventlog.hold import Hold
from eventlog.leases import Claimed
from workers.batch import Batch


def batch_of(number: int) -> Batch:
    claimed = [
        Claimed(
            seq=seq,
            event=Event(id=f"evt_{seq}", type="a.b", received_at=datetime.now(UTC), body=b"{}"),
            prior=(),
        )
        for seq in range(1, number + 1)
    ]
    return Batch(Hold(lease="l", replay=0), claimed)


def test_events_are_started_in_order_and_once() -> None:
    batch = batch_of(3)
    started = [batch.start_next() for _ in range(4)]
    assert [one and one.seq for one in started] == [1, 2, 3, None]


def test_what_is_taken_is_not_started() -> None:
    batch = batch_of(3)
    batch.start_next()
    assert [one.seq for one in batch.take_unstarted()] == [2, 3]
    assert batch.start_next() is None
    assert batch.take_unstarted() == []


def test_what_is_lost_is_known_to_be() -> None:
    batch = batch_of(3)
    batch.lose({2})
    assert [batch.has_lost(seq) for seq in (1, 2, 3)] == [False, True, False]


def test_when_all_is_lost_nothing_is_started() -> None:
    batch = batch_of(3)
    batch.start_next()
    batch.lose_all()
    assert all(batch.has_lost(seq) for seq in (1, 2, 3))
    assert batch.start_next() is None


def test_every_event_is_either_started_or_taken_whatever_the_threads_do() -> None:
    batch = batch_of(2000)
    taken: list[int] = []

    def take() -> None:
        while not (some := batch.take_unstarted()):
            pass
        taken.extend(one.seq for one in some)

    taker = threading.Thread(target=take)
    started = []
    while (claimed := batch.start_next()) is not None:
        started.append(claimed.seq)
        if len(started) == 100:
            taker.start()
    taker.join()
    assert started + taken == list(range(1, 2001))
