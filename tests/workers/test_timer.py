"""A handler's time limit, struck by the real alarm of this process."""

import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from handlers.outcome import HandlerTimeout
from tests.servers.waiting import wait_until
from workers.timer import HandlerTimer


@pytest.fixture
def timer() -> Iterator[HandlerTimer]:
    before = signal.getsignal(signal.SIGALRM)
    made = HandlerTimer()
    made.install()
    yield made
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def spin(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass


def test_a_loop_in_python_is_interrupted(timer: HandlerTimer) -> None:
    began = time.monotonic()
    with pytest.raises(HandlerTimeout, match=r"longer than its timeout of 0\.05 s"), timer.limit(0.05):
        spin(5)
    assert time.monotonic() - began < 1


def test_a_sleep_is_interrupted(timer: HandlerTimer) -> None:
    with pytest.raises(HandlerTimeout), timer.limit(0.05):
        time.sleep(5)


def test_a_handler_that_catches_every_exception_does_not_swallow_it(timer: HandlerTimer) -> None:
    def careless() -> None:
        while True:
            with suppress(Exception):
                spin(0.01)

    with pytest.raises(HandlerTimeout), timer.limit(0.05):
        careless()


def test_nothing_strikes_after_the_block(timer: HandlerTimer) -> None:
    with timer.limit(0.02):
        pass
    spin(0.06)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_alarm_that_comes_after_the_block_strikes_nothing(timer: HandlerTimer) -> None:
    with timer.limit(5):
        pass
    signal.raise_signal(signal.SIGALRM)


def test_it_strikes_once(timer: HandlerTimer) -> None:
    struck = []
    with timer.limit(0.02):
        try:
            spin(5)
        except HandlerTimeout as late:
            struck.append(late)
        signal.raise_signal(signal.SIGALRM)
    assert len(struck) == 1


def test_each_block_has_a_limit_of_its_own(timer: HandlerTimer) -> None:
    with pytest.raises(HandlerTimeout), timer.limit(0.02):
        spin(5)
    with timer.limit(0.2):
        spin(0.05)
    with pytest.raises(HandlerTimeout), timer.limit(0.02):
        spin(5)


def test_an_error_inside_the_block_comes_out_and_ends_the_limit(timer: HandlerTimer) -> None:
    with pytest.raises(ValueError, match="mine"), timer.limit(0.02):
        raise ValueError("mine")
    spin(0.05)


def test_a_limit_that_is_over_at_once_still_ends_as_a_timeout(timer: HandlerTimer) -> None:
    def struck() -> bool:
        try:
            with timer.limit(1e-6):
                spin(0.01)
        except HandlerTimeout:
            return True
        return False

    assert all(struck() for _ in range(200))
    wait_until(lambda: signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0))
