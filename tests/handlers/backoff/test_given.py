"""What `backoff` may be, and what every policy has in common."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import exponential, fixed
from handlers.backoff.given import Backoff, backoff_of
from handlers.backoff.listed import listed
from handlers.duration import LONGEST

seconds = st.floats(0, LONGEST.total_seconds())
policies: st.SearchStrategy[Backoff] = st.one_of(
    st.builds(lambda base, jitter: exponential(base, cap=LONGEST, jitter=jitter), seconds, st.floats(0, 1)),
    st.builds(fixed, seconds),
    st.builds(listed, st.lists(seconds, min_size=1, max_size=5)),
)


@given(policies, st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_a_usable_length_of_time_and_follows_from_chance_alone(
    policy: Backoff, failures: int, chance: float
) -> None:
    wait = policy.wait(failures, lambda: chance)
    assert timedelta(0) <= wait <= LONGEST
    assert policy.wait(failures, lambda: chance) == wait
    assert backoff_of(policy) is policy


@given(policies)
def test_a_policy_is_a_value(policy: Backoff) -> None:
    assert hash(policy) == hash(policy)
    assert json.loads(json.dumps(policy.to_json()))["kind"] in str(type(policy)).lower()
    assert str(policy).count("after")


@pytest.mark.parametrize("delays", [[1, 10, 60], (1, 10, 60)])
def test_a_list_or_a_tuple_is_a_list_of_delays(delays: list[float] | tuple[float, ...]) -> None:
    assert backoff_of(delays) == listed([1, 10, 60])


@pytest.mark.parametrize("what", [5, 5.0, timedelta(5), "5", {1}, exponential, object()])
def test_all_else_is_refused_with_what_to_give(what: object) -> None:
    with pytest.raises(ValueError, match=r"backoff is .*exponential\(5, cap=3600\), fixed\(10\)"):
        backoff_of(what)
