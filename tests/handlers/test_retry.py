"""Whether a failed handler is tried again: how often, and after which errors."""

import re
from datetime import timedelta
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import HandlerTimeout, PermanentError, exponential, fixed
from handlers.backoff.listed import listed
from handlers.retry import RetryPolicy


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_there_is_a_wait_as_long_as_retries_are_left(retries: int, failures: int) -> None:
    delay = RetryPolicy.of(retries=retries, backoff=fixed(7)).delay(failures, lambda: 0.0)
    assert delay == (None if failures > retries else timedelta(seconds=7))


def test_without_options_there_are_five_retries_after_any_error() -> None:
    assert RetryPolicy.of() == RetryPolicy() == RetryPolicy.of(retries=5, backoff=exponential())
    assert not RetryPolicy().gives_up_on(ValueError())


def test_a_list_has_as_many_retries_as_delays_unless_told_otherwise() -> None:
    policy = RetryPolicy.of(backoff=[1, 10])
    assert [policy.delay(failures, lambda: 0.0) for failures in (1, 2, 3)] == [
        timedelta(seconds=1),
        timedelta(seconds=10),
        None,
    ]
    assert RetryPolicy.of(backoff=[1, 10], retries=9) == RetryPolicy(retries=9, backoff=listed([1, 10]))
    assert RetryPolicy.of(backoff=[1, 10], retries=0).retries == 0


def test_a_delay_needs_a_failure() -> None:
    with pytest.raises(ValueError, match="at least one failure"):
        RetryPolicy().delay(0, lambda: 0.0)


def test_only_errors_of_the_types_of_retry_on_are_tried_again() -> None:
    policy = RetryPolicy.of(retry_on=(OSError, KeyError))
    assert not policy.gives_up_on(ConnectionResetError())
    assert not policy.gives_up_on(KeyError())
    assert policy.gives_up_on(LookupError())
    assert policy.gives_up_on(SystemExit(1))


def test_give_up_on_goes_before_retry_on() -> None:
    policy = RetryPolicy.of(retry_on=OSError, give_up_on=(PermissionError, FileNotFoundError))
    assert policy.gives_up_on(PermissionError())
    assert not policy.gives_up_on(TimeoutError())
    assert RetryPolicy.of(retry_on=PermissionError, give_up_on=OSError).gives_up_on(PermissionError())


@pytest.mark.parametrize("options", [{"retry_on": ValueError}, {"give_up_on": Exception}, {}])
def test_a_timeout_is_tried_again_unless_it_is_named(options: dict[str, Any]) -> None:
    assert not RetryPolicy.of(**options).gives_up_on(HandlerTimeout(30))
    assert RetryPolicy.of(**options | {"give_up_on": HandlerTimeout}).gives_up_on(HandlerTimeout(30))


def test_a_class_that_lies_about_its_kinds_is_taken_for_what_it_is() -> None:
    class Lying(type):
        def __instancecheck__(cls, instance: object) -> bool:
            raise RuntimeError

        def __subclasscheck__(cls, subclass: type) -> bool:
            raise RuntimeError

        def __eq__(cls, other: object) -> bool:
            raise RuntimeError

        __hash__ = type.__hash__

    class Odd(Exception, metaclass=Lying): ...  # noqa: N818 - the test's own

    policy = RetryPolicy(give_up_on=(Odd,))
    assert policy.gives_up_on(Odd())
    assert not policy.gives_up_on(ValueError())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retries": -1}, "retries is -1: give a whole number"),
        ({"retries": 1.5}, "retries is 1.5"),
        ({"retries": True}, "retries is True"),
        ({"backoff": 5}, "backoff is 5: give exponential"),
        ({"backoff": []}, "backoff is an empty list"),
        ({"retry_on": "ValueError"}, "retry_on names 'ValueError': give an exception class, or a tuple"),
        ({"retry_on": ()}, "retry_on is empty"),
        ({"retry_on": (ValueError, int)}, "retry_on names <class 'int'>"),
        ({"retry_on": [ValueError]}, "retry_on names [<class 'ValueError'>]"),
        ({"give_up_on": PermanentError("x")}, "give_up_on names PermanentError('x')"),
        ({"give_up_on": None}, "give_up_on names None"),
        ({"deadline": 0}, "deadline is 0"),
        ({"deadline": -1}, "deadline -1 is not"),
        ({"deadline": nan}, "deadline nan is not"),
        ({"deadline": "1h"}, "deadline '1h' is no length of time"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        RetryPolicy.of(**options)


def test_a_policy_tells_what_it_is() -> None:
    policy = RetryPolicy.of(
        retries=2, backoff=fixed(5), retry_on=OSError, give_up_on=PermissionError, deadline=timedelta(hours=6)
    )
    assert str(policy) == (
        "2, each after 5 s; only after OSError; none after PermissionError;"
        " no attempt later than 6 h after arrival"
    )
    assert policy.to_json() == {
        "retries": 2,
        "backoff": {"kind": "fixed", "delay_seconds": 5.0},
        "retry_on": ["OSError"],
        "give_up_on": ["PermissionError"],
        "deadline_seconds": 21600.0,
    }
    assert str(RetryPolicy.of(retries=0)) == "none"
