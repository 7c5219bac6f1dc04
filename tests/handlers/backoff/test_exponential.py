"""Waits that double: doubled, capped, spread."""

from datetime import timedelta
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import exponential
from handlers.backoff.exponential import Exponential

policies = st.builds(
    lambda base, more, jitter: exponential(base, cap=base + more, jitter=jitter),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.floats(0, 1),
)
MICROSECOND = timedelta(microseconds=1)


def test_each_wait_is_twice_the_one_before_until_the_cap() -> None:
    policy = exponential(5, cap=60)
    waits = [policy.wait(failures, lambda: 0.0) for failures in range(1, 7)]
    assert waits == [timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 60, 60)]


def test_jitter_spreads_downwards() -> None:
    policy = exponential(10, jitter=0.5)
    assert policy.wait(1, lambda: 0.5) == timedelta(seconds=7.5)
    assert policy.wait(1, lambda: 0.999999) == pytest.approx(
        timedelta(seconds=5), abs=timedelta(seconds=0.001)
    )


@given(policies, st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_a_wait_stays_between_its_share_without_jitter_and_the_cap(
    policy: Exponential, failures: int, chance: float
) -> None:
    wait, whole = policy.wait(failures, lambda: chance), policy.wait(failures, lambda: 0.0)
    assert whole * (1 - policy.jitter) - MICROSECOND <= wait <= whole + MICROSECOND
    assert whole <= policy.cap + MICROSECOND


@given(policies, st.integers(1, 5000))
def test_waits_never_shrink_and_never_overflow(policy: Exponential, failures: int) -> None:
    assert policy.wait(failures, lambda: 0.0) <= policy.wait(failures + 1, lambda: 0.0)


def test_the_default_is_five_seconds_doubling_up_to_an_hour() -> None:
    assert exponential() == Exponential() == exponential(5, cap=3600, jitter=0.5)
    assert str(exponential()) == "the first after 5 s, doubling up to 1 h, up to 50% less by chance"
    assert str(exponential(90, jitter=0)) == "the first after 90 s, doubling up to 1 h"


def test_lengths_may_be_timedeltas() -> None:
    assert exponential(timedelta(minutes=1), cap=timedelta(hours=2)) == exponential(60, cap=7200)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"base": -1}, "base -1 is not"),
        ({"base": nan}, "base nan is not"),
        ({"base": "5"}, "base '5' is no length of time"),
        ({"cap": inf}, "cap inf is not"),
        ({"cap": 1e12}, "cap 1000000000000.0 is not"),
        ({"base": 10, "cap": 9}, "cap is 9 s, and base 10 s"),
        ({"jitter": 1.1}, "jitter is 1.1: give a number from 0 to 1"),
        ({"jitter": -0.1}, "jitter is -0.1"),
        ({"jitter": nan}, "jitter is nan"),
        ({"jitter": True}, "jitter is True"),
        ({"jitter": "a"}, "jitter is 'a'"),
    ],
)
def test_values_that_make_no_sense_are_refused_by_name(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        exponential(**values)
