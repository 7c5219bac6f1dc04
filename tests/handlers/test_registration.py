"""What makes a handler, and what is refused."""

import functools
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from math import inf, nan
from typing import Any

import pytest

from handlers import Context, Event, fixed
from handlers.errors import (
    HandlerError,
    InvalidName,
    InvalidPattern,
    InvalidRetry,
    InvalidTimeout,
    NoPattern,
    WrongSignature,
)
from handlers.registration import Handler
from handlers.retry import RetryPolicy


def work(event: Event, ctx: Context) -> None: ...


def of(function: Any = work, *patterns: Any, **options: Any) -> Handler:
    return Handler.of(function, patterns or ("memory.stored",), **options)


def test_a_handler_has_sensible_values_of_its_own() -> None:
    handler = of()
    assert handler.name == "work"
    assert handler.function is work
    assert handler.retry == RetryPolicy(retries=5)
    assert handler.timeout_seconds == 30
    assert re.fullmatch(rf"{re.escape(__file__)}:\d+", handler.source)
    assert re.fullmatch("[0-9a-f]{12}", handler.version)


def test_a_handler_takes_events_of_any_of_its_patterns() -> None:
    handler = of(work, "memory.*", "agent.failed", "memory.*")
    assert handler.patterns == ("memory.*", "agent.failed")
    assert handler.matches("memory.stored")
    assert handler.matches("agent.failed")
    assert not handler.matches("agent.started")


def test_options_are_kept() -> None:
    handler = of(name="a.b-c_1", retries=2, timeout=timedelta(minutes=2))
    assert (handler.name, handler.retry.retries, handler.timeout_seconds) == ("a.b-c_1", 2, 120)


def test_its_policy_is_made_of_the_options() -> None:
    assert of(retries=3, backoff=fixed(2)).retry == RetryPolicy(retries=3, backoff=fixed(2))
    assert of(backoff=[1, 2, 3]).retry.retries == 3
    policy = of(retry_on=OSError, give_up_on=(KeyError, TypeError), deadline=timedelta(hours=1)).retry
    assert (policy.retry_on, policy.give_up_on) == ((OSError,), (KeyError, TypeError))
    assert policy.deadline == timedelta(hours=1)


def keeps_a_default(event: Event, ctx: Context, extra: int = 1) -> None: ...
def calls_them_otherwise(happened: Any, tools: Any) -> None: ...
def takes_anything(*args: Any, **options: Any) -> None: ...


class Callable:
    def __call__(self, event: Event, ctx: Context) -> None: ...
    def method(self, event: Event, ctx: Context) -> None: ...


def with_session(event: Event, ctx: Context, session: object) -> None: ...


@functools.wraps(with_session)
def decorated(event: Event, ctx: Context) -> None:
    with_session(event, ctx, object())


@pytest.mark.parametrize(
    "function",
    [work, keeps_a_default, calls_them_otherwise, takes_anything, Callable(), Callable().method, decorated,
     functools.partial(with_session, session=1), lambda event, ctx: None],
)  # fmt: skip
def test_whatever_can_be_called_with_two_arguments_will_do(function: Any) -> None:
    assert of(function, name="x").function is function


def takes_one(event: Event) -> None: ...
def takes_none() -> None: ...
def demands_a_keyword(event: Event, ctx: Context, *, extra: int) -> None: ...
def swapped(ctx: Context, event: Event) -> None: ...
def swapped_as_text(first: Any, second: "Event") -> None: ...
async def asynchronous(event: Event, ctx: Context) -> None: ...
def generator(event: Event, ctx: Context) -> Iterator[int]:
    yield 1


async def asynchronous_generator(event: Event, ctx: Context) -> AsyncIterator[int]:
    yield 1


class AsynchronousCallable:
    async def __call__(self, event: Event, ctx: Context) -> None: ...


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (takes_one, "takes (event: eventlog.event.Event) -> None"),
        (takes_none, "called with two arguments"),
        (with_session, "called with two arguments"),
        (demands_a_keyword, "called with two arguments"),
        (Callable.method, "called with two arguments"),
        (swapped, "but the event comes first"),
        (lambda ctx, event: None, "takes (ctx, event), but the event comes first"),
        (swapped_as_text, "but the event comes first"),
        (asynchronous, "asynchronous"),
        (asynchronous_generator, "asynchronous"),
        (AsynchronousCallable(), "asynchronous"),
        (functools.partial(asynchronous), "asynchronous"),
        (generator, "yield"),
        (Callable, "not a function"),
        ("text", "not a function"),
    ],
)
def test_a_wrong_signature_says_which_where_and_what_to_do(function: Any, said: str) -> None:
    with pytest.raises(WrongSignature) as raised:
        of(function, name="mine")
    message = str(raised.value)
    assert said in message
    assert "def mine(event: Event, ctx: Context) -> None" in message
    assert "handler 'mine'" in message
    if function not in (Callable, "text"):
        assert re.search(rf"{re.escape(__file__)}:\d+", message)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ä", "x" * 201, "a\n", 5])
def test_a_name_is_letters_digits_and_a_few_signs(name: Any) -> None:
    with pytest.raises(InvalidName, match="name="):
        of(name=name)
    assert of(name="x" * 200).name == "x" * 200


def test_a_lambda_needs_a_name() -> None:
    with pytest.raises(InvalidName, match=r"<lambda>.*name="):
        of(lambda event, ctx: None)


def test_a_partial_needs_a_name() -> None:
    with pytest.raises(InvalidName, match="name="):
        of(functools.partial(work))


def test_a_handler_needs_a_pattern() -> None:
    with pytest.raises(NoPattern, match=r"'work'.*memory\.stored"):
        Handler.of(work, ())


def test_a_bad_pattern_is_named_with_its_handler_and_place() -> None:
    with pytest.raises(InvalidPattern, match=rf"'work' \({re.escape(__file__)}:\d+\).*'memory\*' is not"):
        of(work, "memory.stored", "memory*")


def test_a_misspelt_pattern_is_named_with_its_handler_and_place_and_what_was_meant() -> None:
    with pytest.raises(InvalidPattern) as raised:
        of(work, "memory.stored", "memory.stord")
    assert re.search(rf"'work' \({re.escape(__file__)}:\d+\) listens for 'memory.stord'", str(raised.value))
    assert "did you mean 'memory.stored'?" in str(raised.value)
    assert "on('memory.stord', undocumented=True)" in str(raised.value)


def test_what_looks_misspelt_can_be_said_to_be_right() -> None:
    assert of(work, "memory.restored", undocumented=True).patterns == ("memory.restored",)
    with pytest.raises(InvalidPattern, match="is not a pattern"):
        of(work, "memory.", undocumented=True)


@pytest.mark.parametrize("timeout", [0, -1, nan, inf, "30", None, True, timedelta(0), timedelta(days=-1)])
def test_a_timeout_is_a_positive_length_of_time(timeout: Any) -> None:
    with pytest.raises(InvalidTimeout, match=rf"'work' \({re.escape(__file__)}:\d+\): timeout"):
        of(timeout=timeout)


@pytest.mark.parametrize(
    "options",
    [{"retries": -1}, {"retries": 2.5}, {"backoff": 5.0}, {"backoff": [-1]}, {"retry_on": "OSError"},
     {"give_up_on": (OSError, 5)}, {"deadline": 0}],
)  # fmt: skip
def test_retries_make_sense(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(InvalidRetry, match=rf"'work' \({re.escape(__file__)}:\d+\): {name} "):
        of(**options)


def test_every_refusal_is_a_handler_error() -> None:
    for kind in (InvalidName, InvalidPattern, InvalidRetry, InvalidTimeout, NoPattern, WrongSignature):
        assert issubclass(kind, HandlerError)
