"""The doubles that users' tests run on take the place of the real parts, call by call."""

import inspect
from datetime import UTC, datetime, timedelta

import pytest

from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.in_memory import InMemoryLog
from eventlog.leases import claim, new_lease
from handlers.outcome import HandlerTimeout
from tests.eventlog.stored import accept
from workers.rehearsal import (
    Job,
    KeeperAtOnce,
    PageOfOneProcess,
    QueueInMemory,
    SetTimer,
    SteppedClock,
    SurroundingsLeftAlone,
)

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "double", [KeeperAtOnce, PageOfOneProcess, QueueInMemory, SetTimer, SteppedClock, SurroundingsLeftAlone]
)
def test_a_double_is_called_as_the_real_part_is(double: type) -> None:
    (real,) = double.__bases__
    replaced = [
        name for name, value in vars(double).items() if inspect.isfunction(value) and name in vars(real)
    ]
    assert replaced
    for name in replaced:
        if name != "__init__":
            ours, theirs = (inspect.signature(getattr(kind, name)) for kind in (double, real))
            assert list(ours.parameters.values()) == list(theirs.parameters.values()), name


def test_jobs_are_taken_in_the_order_in_which_they_were_sent() -> None:
    queue = QueueInMemory()
    queue.send(["a", "b"])
    queue.send([])
    queue.send(["c"], replay=2, queue="slow")
    assert queue.waiting_jobs() == 2
    assert queue.take() == Job(event_ids=("a", "b"), replay=0, queue=None)
    assert queue.take() == Job(event_ids=("c",), replay=2, queue="slow")
    assert queue.take() is None


def test_a_set_timer_strikes_once_and_within_the_limit_only() -> None:
    now = NOON
    timer = SetTimer(lambda: now)
    timer.strike_if_late()
    with timer.limit(10):
        now += timedelta(seconds=9)
        timer.strike_if_late()
        now += timedelta(seconds=1)
        with pytest.raises(HandlerTimeout, match="10 s"):
            timer.strike_if_late()
        timer.strike_if_late()
    now += timedelta(hours=1)
    timer.strike_if_late()


def test_a_lease_ends_by_the_logs_clock_alone() -> None:
    now = NOON
    log = InMemoryLog(now=lambda: now)
    queue = QueueInMemory()
    clock = SteppedClock(log, queue, lease=timedelta(seconds=30))
    accept(log, "a")
    claim(log, Hold(lease=new_lease(), replay=ORIGINAL_RUN), ["a"], duration=timedelta(seconds=30))
    now += timedelta(seconds=29)
    clock.turn(10)
    assert queue.take() is None
    now += timedelta(seconds=1)
    clock.turn(20)
    assert queue.take() == Job(event_ids=("a",), replay=0, queue=None)
    log.close()
