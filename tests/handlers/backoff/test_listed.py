"""Waits that are listed one by one."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.backoff.listed import listed


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20), st.integers(1, 100))
def test_each_wait_is_the_next_of_the_list_and_the_last_is_repeated(
    delays: list[float], failures: int
) -> None:
    expected = delays[failures - 1] if failures <= len(delays) else delays[-1]
    assert listed(delays).wait(failures, lambda: 0.9) == timedelta(seconds=expected)


def test_numbers_and_timedeltas_can_be_mixed() -> None:
    policy = listed([1, timedelta(minutes=1), 90])
    assert policy.delays == (timedelta(seconds=1), timedelta(seconds=60), timedelta(seconds=90))
    assert str(policy) == "after 1 s, 1 min, 90 s"


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValueError, match=r"empty list.*retries=0"):
        listed([])


@pytest.mark.parametrize("delays", [[1, -1], ["1"], [1, None], [[1]]])
def test_a_list_of_anything_else_is_refused(delays: list[object]) -> None:
    with pytest.raises(ValueError, match=r"^backoff .* is "):
        listed(delays)  # type: ignore[arg-type]
