import random

import pytest

from sandbox.delivery import MOST_TRIES, pause_before_retry


@pytest.mark.parametrize("tries", range(1, MOST_TRIES + 1))
def test_pauses_double_up_to_a_minute_with_half_left_to_chance(tries: int) -> None:
    longest = min(2.0 ** (tries - 1), 60.0)
    pauses = [pause_before_retry(tries, random.Random(seed)).total_seconds() for seed in range(50)]
    assert longest / 2 <= min(pauses) < max(pauses) <= longest
