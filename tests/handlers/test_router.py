"""Which handlers there are, in which order, and which an event goes to."""

import re
from typing import Any

import pytest

from handlers import Context, Event, Router
from handlers.errors import InvalidPattern, NameClash, WrongSignature


def a(event: Event, ctx: Context) -> None: ...
def b(event: Event, ctx: Context) -> None: ...
def c(event: Event, ctx: Context) -> None: ...


def names(router: Router) -> list[str]:
    return [handler.name for handler in router.handlers]


def another_a() -> Any:
    def a(event: Event, ctx: Context) -> None: ...

    return a


def test_the_decorator_returns_the_function_unchanged() -> None:
    router = Router()
    assert router.on("memory.stored")(a) is a
    assert router.handlers[0].function is a


def test_an_event_goes_to_all_that_match_in_the_order_of_registration() -> None:
    router = Router()
    router.on("*")(c)
    router.on("agent.*")(a)
    router.on("memory.stored", "memory.updated")(b)
    assert names(router) == ["c", "a", "b"]
    assert [handler.name for handler in router.for_type("memory.updated")] == ["c", "b"]
    assert [handler.name for handler in router.for_type("agent.failed")] == ["c", "a"]
    assert [handler.name for handler in router.for_type("never.seen")] == ["c"]


def test_no_handler_for_a_type_is_an_empty_tuple() -> None:
    assert Router().for_type("memory.stored") == ()


def test_a_function_registered_twice_alike_is_one_handler_with_both_patterns() -> None:
    router = Router()
    router.on("memory.stored")(router.on("agent.failed")(a))
    assert [handler.patterns for handler in router.handlers] == [("agent.failed", "memory.stored")]


def test_a_function_registered_twice_with_other_options_is_an_error() -> None:
    router = Router()
    router.on("memory.stored")(a)
    with pytest.raises(NameClash, match=r"'a'.*twice with different options"):
        router.on("agent.failed", retries=1)(a)


def test_a_function_may_be_two_handlers_under_two_names() -> None:
    router = Router()
    router.on("memory.stored")(a)
    router.on("agent.failed", name="other", retries=1)(a)
    assert names(router) == ["a", "other"]


def test_two_handlers_with_one_name_are_an_error_that_gives_both_places() -> None:
    router = Router()
    router.on("memory.stored")(a)
    with pytest.raises(NameClash) as raised:
        router.on("agent.failed")(another_a())
    lines = re.findall(rf"{re.escape(__file__)}:(\d+)", str(raised.value))
    assert len(set(lines)) == 2
    assert "'a'" in str(raised.value)
    assert names(router) == ["a"]


def test_mistakes_are_raised_through_the_decorator() -> None:
    with pytest.raises(WrongSignature):
        Router().on("*", name="mine")(lambda event: None)  # type: ignore[type-var]


def test_forgetting_the_parentheses_is_an_error() -> None:
    with pytest.raises(InvalidPattern, match=rf"{re.escape(__file__)}:\d+.*parentheses"):
        Router().on(a)  # type: ignore[arg-type]


def test_include_appends_the_others_handlers_in_their_order() -> None:
    one, other = Router(), Router()
    one.on("*")(c)
    other.on("*")(b)
    other.on("*")(a)
    one.include(other)
    assert names(one) == ["c", "b", "a"]
    assert names(other) == ["b", "a"]


def test_including_twice_changes_nothing() -> None:
    one, other = Router(), Router()
    other.on("*")(a)
    one.include(other)
    before = one.handlers
    one.include(other)
    one.include(one)
    assert one.handlers == before


def test_include_finds_name_clashes() -> None:
    one, other = Router(), Router()
    one.on("*")(a)
    other.on("*")(another_a())
    with pytest.raises(NameClash):
        one.include(other)
