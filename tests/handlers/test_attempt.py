"""One attempt: what a handler does, and what comes of it."""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf, nan
from typing import Any, NoReturn

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import LogCapture

from handlers import Context, Event, PermanentError, RetryLater, Skip, exponential
from handlers.attempt import attempt
from handlers.outcome import Dead, HandlerTimeout, Outcome, Retried, Skipped, Succeeded
from handlers.registration import Handler
from handlers.testing import make_event

EVENT = make_event("memory.stored", memoryId="m1")


def context_with(log: Any) -> Context:
    return Context(
        log=log,
        handler="h",
        event_id=EVENT.id,
        attempt=1,
        replay=0,
        deadline=datetime(2026, 1, 30, tzinfo=UTC),
    )


def outcome_of(
    function: Any, *, failures: int = 0, event: Event = EVENT, log: Any = None, **options: Any
) -> Outcome:
    handler = Handler.of(function, ("*",), name="h", retries=2, backoff=exponential(10), **options)
    context = context_with(log or structlog.get_logger())
    return attempt(handler, event, context, failures=failures, random=lambda: 0.2)


def raising(error: BaseException) -> Any:
    def fail(event: Event, ctx: Context) -> NoReturn:
        raise error

    return fail


def returning(value: object) -> Any:
    return lambda event, ctx: value


class NamedError(Exception):
    def __init__(self, **attributes: object) -> None:
        super().__init__("named")
        vars(self).update(attributes)


def test_the_handler_is_called_once_with_the_event_and_the_context() -> None:
    calls: list[tuple[object, ...]] = []
    context = context_with(structlog.get_logger())
    handler = Handler.of(lambda event, ctx: calls.append((event, ctx)), ("*",), name="h")
    assert attempt(handler, EVENT, context, failures=0, random=lambda: 0.0) == Succeeded()
    assert len(calls) == 1
    assert calls[0][0] is EVENT
    assert calls[0][1] is context


@pytest.mark.parametrize("how", [raising, returning])
def test_skip_skips_raised_or_returned(how: Any) -> None:
    assert outcome_of(how(Skip("too old"))) == Skipped("too old")


@pytest.mark.parametrize("how", [raising, returning])
def test_retry_later_comes_again_uncounted_raised_or_returned(how: Any) -> None:
    expected = Retried(delay=timedelta(seconds=90), counted=False, error=None, reason="busy")
    assert outcome_of(how(RetryLater(90, "busy")), failures=2) == expected


def test_reasons_are_made_storable() -> None:
    outcome = outcome_of(raising(Skip("a\0" + "b" * 10_000)))
    assert isinstance(outcome, Skipped)
    assert outcome.reason == "a\ufffd" + "b" * 498


@pytest.mark.parametrize("value", [0, False, "text", {"status": "ok"}, Skip])
def test_another_return_value_is_ignored_with_a_warning(value: object) -> None:
    capture = LogCapture()
    log = structlog.wrap_logger(None, processors=[capture])
    assert outcome_of(returning(value), log=log) == Succeeded()
    assert [(entry["event"], entry["log_level"]) for entry in capture.entries] == [
        ("handler_returned_value", "warning")
    ]
    assert capture.entries[0]["returned"] == type(value).__qualname__


def test_returning_none_logs_nothing() -> None:
    capture = LogCapture()
    assert outcome_of(returning(None), log=structlog.wrap_logger(None, processors=[capture])) == Succeeded()
    assert capture.entries == []


def test_a_log_that_fails_does_not_turn_success_into_failure() -> None:
    assert outcome_of(returning(5), log=object()) == Succeeded()


def test_a_failure_is_retried_with_backoff_and_jitter() -> None:
    outcome = outcome_of(raising(ValueError("x")), failures=1)
    assert isinstance(outcome, Retried)
    assert outcome.counted
    assert outcome.delay == timedelta(seconds=20 * (1 - 0.5 * 0.2))
    assert outcome.error is not None
    assert (outcome.error.error_type, outcome.error.message) == ("ValueError", "x")


def test_retries_used_up_are_dead() -> None:
    assert isinstance(outcome_of(raising(ValueError("x")), failures=1), Retried)
    outcome = outcome_of(raising(ValueError("x")), failures=2)
    assert isinstance(outcome, Dead)
    assert outcome.error.message == "x"


@pytest.mark.parametrize("error", [PermanentError("no"), NamedError(permanent=True)])
def test_a_permanent_error_is_dead_at_once(error: Exception) -> None:
    assert isinstance(outcome_of(raising(error)), Dead)


def test_permanent_goes_before_retry_after() -> None:
    assert isinstance(outcome_of(raising(NamedError(permanent=True, retry_after=5))), Dead)


def test_an_error_to_give_up_on_is_dead_at_once() -> None:
    outcome = outcome_of(raising(KeyError("x")), give_up_on=LookupError)
    assert isinstance(outcome, Dead)
    assert outcome.error.error_type == "KeyError"
    assert isinstance(outcome_of(raising(ValueError("x")), give_up_on=LookupError), Retried)


def test_an_error_that_is_not_to_be_retried_is_dead_at_once() -> None:
    assert isinstance(outcome_of(raising(KeyError("x")), retry_on=OSError), Dead)
    assert isinstance(outcome_of(raising(OSError("x")), retry_on=OSError), Retried)


@pytest.mark.parametrize("options", [{"retry_on": OSError}, {"give_up_on": Exception}])
@pytest.mark.parametrize("end", [RetryLater(9), NamedError(retry_after=9)])
def test_what_asks_for_a_later_attempt_gets_it_whatever_is_given_up_on(
    options: dict[str, Any], end: Exception
) -> None:
    outcome = outcome_of(raising(end), **options)
    assert isinstance(outcome, Retried)
    assert (outcome.delay, outcome.counted) == (timedelta(seconds=9), False)


def test_a_skip_is_a_skip_whatever_is_given_up_on() -> None:
    assert outcome_of(raising(Skip("x")), give_up_on=Exception) == Skipped("x")


@pytest.mark.parametrize("value", [False, None, 1, "true", lambda: True])
def test_only_true_is_permanent(value: object) -> None:
    assert isinstance(outcome_of(raising(NamedError(permanent=value))), Retried)


def test_data_that_cannot_be_decoded_is_dead_at_once() -> None:
    bad = replace(EVENT, body=b'{"id": "1", "type": "t", "data": "\xff"}')
    outcome = outcome_of(lambda event, ctx: event.data, event=bad)
    assert isinstance(outcome, Dead)
    assert outcome.error.error_type == "eventlog.event.UndecodableData"


@pytest.mark.parametrize("retry_after", [0, 7, 7.5, timedelta(seconds=7)])
def test_an_error_that_names_a_wait_is_retried_then_uncounted(retry_after: timedelta | float) -> None:
    outcome = outcome_of(raising(NamedError(retry_after=retry_after)), failures=2)
    assert isinstance(outcome, Retried)
    assert not outcome.counted
    assert outcome.error is not None
    wait = retry_after if isinstance(retry_after, timedelta) else timedelta(seconds=retry_after)
    assert outcome.delay == wait


@pytest.mark.parametrize(
    "retry_after", [None, -1, nan, inf, 1e300, 10**400, True, "7", timedelta(-1), object()]
)
def test_an_unusable_wait_means_the_usual_backoff(retry_after: object) -> None:
    outcome = outcome_of(raising(NamedError(retry_after=retry_after)))
    assert isinstance(outcome, Retried)
    assert outcome.counted
    assert outcome.delay == timedelta(seconds=9)


def test_attributes_that_raise_are_survived() -> None:
    class HostileError(Exception):
        @property
        def permanent(self) -> bool:
            raise SystemExit(1)

        @property
        def retry_after(self) -> float:
            raise ValueError("no")

    outcome = outcome_of(raising(HostileError()))
    assert isinstance(outcome, Retried)
    assert outcome.counted


@pytest.mark.parametrize(
    "error",
    [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), BaseException("x"), HandlerTimeout(30),
     StopIteration(), MemoryError(), BaseExceptionGroup("g", [SystemExit(1)])],
)  # fmt: skip
def test_whatever_a_handler_raises_is_a_counted_failure(error: BaseException) -> None:
    outcome = outcome_of(raising(error))
    assert isinstance(outcome, Retried)
    assert outcome.counted
    assert outcome.error is not None
    assert outcome.error.error_type.rpartition(".")[2] == type(error).__name__


def test_exiting_and_endless_recursion_are_failures_of_the_handler() -> None:
    def recurse(event: Event, ctx: Context) -> None:
        recurse(event, ctx)

    assert isinstance(outcome_of(lambda event, ctx: sys.exit(3)), Retried)
    assert isinstance(outcome_of(recurse), Retried)


def test_a_wrong_delay_for_retry_later_is_a_failure() -> None:
    outcome = outcome_of(lambda event, ctx: RetryLater(-5))
    assert isinstance(outcome, Retried)
    assert outcome.counted
    assert outcome.error is not None
    assert outcome.error.error_type == "ValueError"


def test_a_timeout_that_strikes_while_the_outcome_is_made_does_not_escape() -> None:
    class Late(Skip):
        @property
        def reason(self) -> str:
            raise HandlerTimeout(30)

        @reason.setter
        def reason(self, value: str) -> None: ...

    outcome = outcome_of(raising(Late()))
    assert isinstance(outcome, Retried)
    assert outcome.error is not None
    assert outcome.error.error_type == "handlers.outcome.HandlerTimeout"


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_handler_is_dead_exactly_when_its_retries_are_used_up(retries: int, failures: int) -> None:
    handler = Handler.of(raising(OSError()), ("*",), name="h", retries=retries)
    context = context_with(structlog.get_logger())
    outcome = attempt(handler, EVENT, context, failures=failures, random=lambda: 0.0)
    assert isinstance(outcome, Dead) == (failures + 1 > retries)


def test_a_value_that_raises_whatever_it_is_asked_is_a_success() -> None:
    class Rubbish:
        @property  # type: ignore[misc]
        def __class__(self) -> type:
            raise RuntimeError

        def __bool__(self) -> bool:
            raise RuntimeError

    assert outcome_of(lambda event, ctx: Rubbish()) == Succeeded()
