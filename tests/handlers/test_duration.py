"""Lengths of time as users give them."""

from datetime import timedelta
from math import inf, nan

import pytest

from handlers.duration import LONGEST, duration, in_words


@pytest.mark.parametrize("value", [0, 0.0, 1.5, 90, timedelta(0), timedelta(seconds=1.5), LONGEST])
def test_a_timedelta_and_a_number_of_seconds_are_the_same(value: timedelta | float) -> None:
    assert duration(value) == (value if isinstance(value, timedelta) else timedelta(seconds=value))


@pytest.mark.parametrize(
    "value",
    [-1, -0.001, timedelta(seconds=-1), nan, inf, -inf, True, None, "30", 10**400, 1e300, 366 * 86400 + 1,
     timedelta.max],
)  # fmt: skip
def test_all_else_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"length of time|days"):
        duration(value)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.25, "0.25 s"), (59, "59 s"), (60, "1 min"), (90, "90 s"), (7200, "2 h"), (90000, "25 h"),
     (172800, "2 d"), (31622400.000001, "31622400 s")],
)  # fmt: skip
def test_a_length_is_written_in_the_largest_unit_that_fits(seconds: float, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words
