"""The same wait each time."""

from datetime import timedelta

import pytest

from handlers import fixed


def test_every_wait_is_the_same() -> None:
    policy = fixed(10)
    assert [policy.wait(failures, lambda: 0.9) for failures in (1, 2, 10**9)] == [timedelta(seconds=10)] * 3
    assert policy == fixed(timedelta(seconds=10))
    assert str(policy) == "each after 10 s"


@pytest.mark.parametrize("delay", [-1, "5", None, float("nan")])
def test_what_is_no_length_of_time_is_refused_by_name(delay: object) -> None:
    with pytest.raises(ValueError, match=r"^delay .* is "):
        fixed(delay)  # type: ignore[arg-type]
