"""What handlers raise, and what becomes of it."""

from datetime import timedelta
from math import nan

import pytest

from handlers.outcome import HandlerTimeout, PermanentError, RetryLater, Skip


def test_a_delay_is_a_timedelta_or_seconds() -> None:
    assert RetryLater(90).delay == RetryLater(timedelta(minutes=1.5)).delay == timedelta(seconds=90)


@pytest.mark.parametrize("delay", [-1, nan, "soon", None])
def test_a_delay_that_makes_no_sense_fails_where_it_is_written(delay: object) -> None:
    with pytest.raises(ValueError, match=r"length of time|between 0"):
        RetryLater(delay)  # type: ignore[arg-type]


def test_reasons_are_optional() -> None:
    assert Skip().reason == RetryLater(1).reason == ""
    assert Skip("old").reason == RetryLater(1, "old").reason == "old"


def test_a_permanent_error_says_so_of_itself_and_of_its_subclasses() -> None:
    class RefusedError(PermanentError):
        pass

    assert RefusedError("no").permanent is True
    assert str(RefusedError("no")) == "no"


def test_except_exception_does_not_swallow_a_timeout() -> None:
    assert not issubclass(HandlerTimeout, Exception)
    assert "timeout of 1.5 s" in str(HandlerTimeout(1.5))
