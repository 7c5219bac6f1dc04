from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.clock_watch import ClockWatch

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)


def read(watch: ClockWatch, at: float, shows: float, *, took: float = 0.0) -> float | None:
    jump = watch.observe(NOON + timedelta(seconds=shows), asked=at, answered=at + took)
    return None if jump is None else jump.total_seconds()


def test_clocks_that_run_alike_show_no_jump() -> None:
    watch = ClockWatch()
    assert [read(watch, 100 + second, second) for second in range(50)] == [0] * 50


@pytest.mark.parametrize("jump", [3600, -3600, 1.5, -1.5])
def test_a_jump_is_told_once_with_its_length(jump: float) -> None:
    watch = ClockWatch()
    read(watch, 0, 0)
    assert read(watch, 1, 1 + jump) == pytest.approx(jump)
    assert read(watch, 2, 2 + jump) == 0


def test_what_a_clock_is_corrected_by_all_the_time_is_no_jump() -> None:
    watch = ClockWatch()
    assert [read(watch, at, at * 1.0005) for at in range(10_000)] == [0] * 10_000


def test_a_slow_answer_is_passed_over_and_the_jump_found_afterwards() -> None:
    watch = ClockWatch()
    read(watch, 0, 0)
    assert read(watch, 1, 9, took=8) is None
    assert read(watch, 10, 10) == 0
    assert read(watch, 11, 60, took=5) is None
    assert read(watch, 16, 61) == 45


def test_a_machine_that_slept_looks_as_if_its_clock_was_set_forward() -> None:
    watch = ClockWatch()
    read(watch, 0, 0)
    assert read(watch, 1, 7200) == 7199


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 20)), max_size=30))
def test_slow_answers_alone_never_look_like_a_jump(looks: list[tuple[float, float]]) -> None:
    """Each look comes some time after the last answer, and its answer was made at any moment meanwhile."""
    watch = ClockWatch()
    at = 0.0
    for number, (wait, took) in enumerate(looks):
        at += wait
        assert not read(watch, at, at + took * (number % 3) / 2, took=took)
        at += took
