"""The backoff: doubled, capped, spread, and used up."""

from datetime import timedelta
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.retry import RetryPolicy

policies = st.builds(
    lambda retries, base, more, jitter: RetryPolicy(
        retries=retries, base_seconds=base, cap_seconds=base + more, jitter=jitter
    ),
    st.integers(0, 10**9),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.floats(0, 1),
)
chances = st.floats(0, 1, exclude_max=True)


def test_each_wait_is_twice_the_one_before_until_the_cap() -> None:
    policy = RetryPolicy(retries=6, base_seconds=5, cap_seconds=60)
    waits = [policy.delay(failures, lambda: 0.0) for failures in range(1, 8)]
    assert waits == [*(timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 60, 60)), None]


def test_without_retries_the_first_failure_is_the_last() -> None:
    assert RetryPolicy(retries=0).delay(1, lambda: 0.0) is None


def test_jitter_spreads_downwards() -> None:
    policy = RetryPolicy(base_seconds=10, jitter=0.5)
    assert policy.delay(1, lambda: 0.5) == timedelta(seconds=7.5)
    assert policy.delay(1, lambda: 0.999999) == pytest.approx(
        timedelta(seconds=5), abs=timedelta(seconds=0.001)
    )


@given(policies, st.integers(1, 10**9), chances)
def test_a_wait_stays_between_its_share_without_jitter_and_the_cap(
    policy: RetryPolicy, failures: int, chance: float
) -> None:
    delay = policy.delay(failures, lambda: chance)
    whole = policy.delay(failures, lambda: 0.0)
    assert (delay is None) == (whole is None) == (failures > policy.retries)
    if delay is not None and whole is not None:
        microsecond = timedelta(microseconds=1)
        assert whole * (1 - policy.jitter) - microsecond <= delay <= whole + microsecond
        assert whole <= timedelta(seconds=policy.cap_seconds) + microsecond


@given(policies, st.integers(1, 5000))
def test_waits_never_shrink_and_never_overflow(policy: RetryPolicy, failures: int) -> None:
    earlier, later = policy.delay(failures, lambda: 0.0), policy.delay(failures + 1, lambda: 0.0)
    if earlier is not None and later is not None:
        assert earlier <= later


def test_a_delay_needs_a_failure() -> None:
    with pytest.raises(ValueError, match="at least one failure"):
        RetryPolicy().delay(0, lambda: 0.0)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"retries": -1}, "retries"),
        ({"retries": 1.5}, "retries"),
        ({"retries": True}, "retries"),
        ({"base_seconds": -1}, "base_seconds"),
        ({"base_seconds": nan}, "base_seconds"),
        ({"base_seconds": "5"}, "base_seconds"),
        ({"cap_seconds": inf}, "cap_seconds"),
        ({"cap_seconds": 1e12}, "cap_seconds"),
        ({"jitter": 1.1}, "jitter"),
        ({"jitter": -0.1}, "jitter"),
        ({"base_seconds": 10, "cap_seconds": 9}, "cap_seconds"),
    ],
)
def test_values_that_make_no_sense_are_refused_by_name(values: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} .*{list(values.values())[-1]!r}"):
        RetryPolicy(**values)
