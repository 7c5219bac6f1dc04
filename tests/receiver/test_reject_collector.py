"""The thread that keeps refused requests: off the path, in batches, and never at the expense of the door."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from eventlog.rejects import Quota
from receiver.reject_collector import RejectCollector
from receiver.reject_line import BURST
from tests.receiver.rejecting import SECRET, SIGNED, Ring, a_rejection
from tests.servers.waiting import wait_until

ROOMY = Quota(events=1000, bytes=10_000_000)


@contextmanager
def running(ring: Ring, *, quota: Quota = ROOMY, every: float = 0.01) -> Iterator[RejectCollector]:
    # The clock stands still: no allowance flows in however slow the machine is.
    collector = RejectCollector(
        ring.keep,
        lambda: [SECRET],
        quota,
        write_every_seconds=every,
        tell_every_seconds=0.05,
        clock=lambda: 0.0,
    )
    collector.start()
    try:
        yield collector
    finally:
        collector.close()


def test_what_is_offered_is_written() -> None:
    ring = Ring()
    with running(ring) as collector:
        collector.offer(a_rejection("a"))
        wait_until(lambda: ring.names == ["a"])


def test_what_comes_within_a_pause_shares_one_transaction() -> None:
    ring = Ring()
    with running(ring, every=3600) as collector:
        collector.offer(a_rejection("first"))
        wait_until(lambda: ring.batches)
        for at in range(50):
            collector.offer(a_rejection(str(at), refusal=SIGNED if at % 2 else a_rejection().refusal))
    assert [len(batch) for batch in ring.batches] == [1, 50]
    assert sorted(ring.names) == sorted(["first", *map(str, range(50))])


def test_a_flood_of_unsigned_is_counted_and_leaves_room_for_the_signed() -> None:
    ring = Ring()
    with capture_logs() as logs, running(ring) as collector:
        for at in range(5000):
            collector.offer(a_rejection("flood"))
            if at % 500 == 0:
                collector.offer(a_rejection(f"signed{at}", refusal=SIGNED))
    assert ring.names.count("flood") == BURST
    assert sum(name.startswith("signed") for name in ring.names) == 10
    told = [entry for entry in logs if entry["event"] == "rejects_only_counted"]
    assert sum(entry["unsigned"] for entry in told) == 5000 - BURST
    assert sum(entry["signed"] for entry in told) == 0


def test_the_count_is_told_while_nothing_is_written() -> None:
    ring = Ring()
    with capture_logs() as logs:
        moment = [0.0]
        collector = RejectCollector(
            ring.keep,
            lambda: [SECRET],
            Quota(events=0, bytes=0),
            write_every_seconds=0.01,
            tell_every_seconds=0.05,
            clock=lambda: moment[0],
        )
        collector.start()
        collector.offer(a_rejection())
        moment[0] = 1.0
        wait_until(lambda: [entry for entry in logs if entry["event"] == "rejects_only_counted"])
        collector.close()
    assert ring.tries == 0


def test_while_the_log_is_away_they_wait_within_bounds_and_it_is_told_once() -> None:
    ring = Ring()
    ring.is_away = True
    with capture_logs() as logs, running(ring, quota=Quota(events=10, bytes=1000)) as collector:
        for at in range(30):
            collector.offer(a_rejection(str(at), refusal=SIGNED))
        wait_until(lambda: ring.tries >= 3)
        ring.is_away = False
        wait_until(lambda: len(ring.rows) >= 10)
    assert ring.names == [str(at) for at in range(20, 30)]
    assert [entry["event"] for entry in logs].count("rejects_wait_for_the_log") == 1


def test_an_error_of_ours_is_told_and_the_next_are_kept() -> None:
    ring = Ring()
    ring.fails_with = ValueError("what nobody thought of")
    with capture_logs() as logs, running(ring) as collector:
        collector.offer(a_rejection("a"))
        wait_until(lambda: ring.tries)
        ring.fails_with = None
        wait_until(lambda: "rejects_not_kept" in [entry["event"] for entry in logs])
        collector.offer(a_rejection("b"))
        wait_until(lambda: ring.names)
    assert ring.names == ["b"]


def test_closing_writes_what_is_held() -> None:
    ring = Ring()
    with running(ring, every=3600) as collector:
        for at in range(700):
            collector.offer(a_rejection(str(at), refusal=SIGNED))
    assert len(ring.rows) == 700
    assert max(len(batch) for batch in ring.batches) <= 200


def test_closing_does_not_wait_for_a_log_that_is_away() -> None:
    ring = Ring()
    ring.is_away = True
    with running(ring) as collector:
        collector.offer(a_rejection())
    assert not [thread for thread in threading.enumerate() if thread.name == "rejects" and thread.is_alive()]
    assert ring.rows == []


@pytest.mark.parametrize("size", [300_000, 600_000])
def test_a_batch_is_bounded_in_bytes(size: int) -> None:
    ring = Ring()
    with running(ring, every=3600) as collector:
        for at in range(12):
            collector.offer(a_rejection(str(at), refusal=SIGNED, body=b"x" * size))
    assert len(ring.rows) == 12
    assert max(sum(len(row.body or b"") for row in batch) for batch in ring.batches) < 1024 * 1024 + size
