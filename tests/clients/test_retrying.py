from typing import Any

import pytest
import stamina

from clients.chaozcode.errors import InternalError, NotFound, RateLimited, ServiceUnavailable
from clients.chucky.errors import ConcurrencyLimitReached, TooManyRequests, UserBudgetExhausted
from clients.errors import (
    ApiError,
    InvalidCall,
    LimitReached,
    MalformedReply,
    NotConnected,
    Redirected,
    ReplyLost,
    StreamCut,
)
from clients.retrying import pause_after, repeated

LIMITED = RateLimited("busy", status=429, retry_after=3)
FAILED = InternalError("oops", status=500)
AWAY = ServiceUnavailable("away", status=503)


def decided(error: BaseException, *, idempotent: bool = False, **options: Any) -> bool | float:
    given: dict[str, Any] = {
        "seconds_left": 60,
        "longest_wait_seconds": 5,
        "longest_backoff_seconds": 0.5,
        "chance": lambda: 0.0,
        **options,
    }
    return pause_after(error, idempotent=idempotent, **given)


@pytest.mark.parametrize("error", [FAILED, NotConnected("no")])
def test_what_had_no_effect_or_is_documented_as_safe_is_repeated_after_a_backoff(error: ApiError) -> None:
    assert decided(error) is True


@pytest.mark.parametrize("error", [AWAY, ReplyLost("gone")])
def test_what_may_have_had_an_effect_is_repeated_where_the_call_is_idempotent_alone(error: ApiError) -> None:
    assert decided(error) is False
    assert decided(error, idempotent=True) is True


@pytest.mark.parametrize(
    "error",
    [
        NotFound("none", status=404),
        InvalidCall("wrong"),
        MalformedReply("what?"),
        Redirected("there"),
        UserBudgetExhausted("spent", retry_after=1),
        KeyError("no error of an API's"),
        KeyboardInterrupt(),
    ],
)
def test_what_a_repeat_can_t_help_is_not_repeated(error: BaseException) -> None:
    assert decided(error, idempotent=True) is False


def test_a_wait_that_was_named_is_kept_and_spread_by_chance_so_that_not_all_come_at_once() -> None:
    assert decided(LIMITED) == 3
    assert decided(LIMITED, chance=lambda: 1.0) == pytest.approx(3.3)
    assert decided(LimitReached(2)) == 2
    assert decided(ConcurrencyLimitReached("many", retry_after=4)) == 4


@pytest.mark.parametrize(
    "error", [RateLimited("busy", status=429), ConcurrencyLimitReached("many"), TooManyRequests("busy")]
)
def test_a_refusal_that_names_no_time_is_repeated_after_a_backoff(error: ApiError) -> None:
    assert decided(error) is True
    assert decided(error, longest_wait_seconds=0) is False
    assert error.retry_after is not None  # for whoever comes back later than within the call


def test_a_wait_longer_than_a_call_may_make_is_not_made() -> None:
    assert decided(LIMITED, longest_wait_seconds=2.9) is False
    assert decided(FAILED, longest_wait_seconds=0) is False


def test_no_repeat_begins_after_the_time_is_up() -> None:
    assert decided(LIMITED, seconds_left=2.9) is False
    assert decided(LIMITED, seconds_left=3.1, chance=lambda: 1.0) is False
    assert decided(FAILED, seconds_left=0.4) is False


def test_a_stream_that_was_cut_is_no_reason_to_ask_again_where_that_may_repeat_an_effect() -> None:
    assert decided(StreamCut("cut", received=())) is False


def test_the_last_error_is_raised_as_it_was() -> None:
    errors = [InternalError(str(number), status=500) for number in range(3)]
    left = list(errors)

    def fail() -> None:
        raise left.pop(0)

    with stamina.set_testing(True, attempts=3), pytest.raises(InternalError) as raised:
        repeated(fail, idempotent=False, seconds_left=lambda: 60, longest_wait_seconds=5)
    assert raised.value is errors[-1]


def test_the_pause_is_made_before_the_repeat() -> None:
    pauses = []
    stamina.instrumentation.set_on_retry_hooks([lambda details: pauses.append(details.wait_for)])
    try:
        answers = [LimitReached(0.02), None]

        def call() -> str:
            error = answers.pop(0)
            if error:
                raise error
            return "done"

        assert repeated(call, idempotent=False, seconds_left=lambda: 60, longest_wait_seconds=5) == "done"
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
    assert pauses == [pytest.approx(0.021, abs=0.0011)]
