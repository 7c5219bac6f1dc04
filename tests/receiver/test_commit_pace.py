import pytest

from receiver.commit_pace import CommitPace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def committed(pace: CommitPace, clock: Clock, *, seconds: float, times: int = 1) -> None:
    for _ in range(times):
        with pace.commit():
            clock.now += seconds


def test_nothing_is_foreseen_before_the_first_commit(clock: Clock) -> None:
    assert CommitPace(clock).expected_seconds(40) == 0


def test_each_full_batch_ahead_takes_as_long_as_commits_do_lately(clock: Clock) -> None:
    pace = CommitPace(clock)
    committed(pace, clock, seconds=0.5, times=40)
    assert pace.expected_seconds(0) == 0
    assert pace.expected_seconds(4) == pytest.approx(2.0, rel=0.01)
    committed(pace, clock, seconds=0.01, times=20)
    assert pace.expected_seconds(4) < 0.1, "a slow time is forgotten soon"


def test_a_commit_that_hangs_is_foreseen_to_hang_on(clock: Clock) -> None:
    pace = CommitPace(clock)
    with pace.commit():
        clock.now += 7
        assert pace.expected_seconds(0) == 7
    assert pace.expected_seconds(0) == 0


def failed(pace: CommitPace, clock: Clock, *, seconds: float) -> None:
    def fail() -> None:
        with pace.commit():
            clock.now += seconds
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_after_a_long_failure_there_is_no_hope_for_a_second(clock: Clock) -> None:
    pace = CommitPace(clock)
    assert not pace.is_hopeless()
    failed(pace, clock, seconds=5)
    assert pace.is_hopeless()
    clock.now += 1.01
    assert not pace.is_hopeless()


def test_after_a_quick_failure_the_next_may_try_at_once(clock: Clock) -> None:
    pace = CommitPace(clock)
    failed(pace, clock, seconds=0.004)
    clock.now += 0.005
    assert not pace.is_hopeless()


def test_a_commit_that_fails_says_nothing_about_the_pace(clock: Clock) -> None:
    pace = CommitPace(clock)
    failed(pace, clock, seconds=9)
    assert pace.expected_seconds(10) == 0
