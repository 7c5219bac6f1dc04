from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from receiver.arriving import ArrivingBody, BodyBudget


class Budget:
    """A budget of 100 bytes, with a clock that a test sets and a list of who was told to give up."""

    def __init__(self, stack: ExitStack) -> None:
        self.now = 0.0
        self.told: list[str] = []
        self.bodies = BodyBudget(100, clock=lambda: self.now)
        self._stack = stack

    def body(self, name: str, size: int = 0) -> ArrivingBody:
        body = self._stack.enter_context(self.bodies.arrival(lambda: self.told.append(name)))
        self.bodies.add(body, b"x" * size)
        return body


@pytest.fixture
def budget() -> Iterator[Budget]:
    with ExitStack() as stack:
        yield Budget(stack)


def test_within_the_budget_all_is_kept(budget: Budget) -> None:
    bodies = [budget.body(str(number), 20) for number in range(5)]
    assert budget.bodies.held_bytes == 100
    assert not budget.told
    assert all(body.received == b"x" * 20 for body in bodies)


def test_past_the_budget_the_large_and_slow_one_is_given_up_and_its_bytes_are_freed(budget: Budget) -> None:
    large_and_slow = budget.body("large and slow", 50)
    budget.body("small and slow", 10)
    budget.now = 5
    budget.body("large and fast", 41)
    assert budget.told == ["large and slow"]
    assert large_and_slow.is_given_up
    assert not large_and_slow.received
    assert budget.bodies.held_bytes == 51


def test_what_is_reserved_counts_as_what_has_come(budget: Budget) -> None:
    promised = budget.body("promised")
    budget.bodies.reserve(promised, 60)
    budget.now = 1
    budget.body("came", 41)
    assert budget.told == ["promised"]
    assert budget.bodies.held_bytes == 41


def test_so_much_is_given_up_that_there_is_room_again(budget: Budget) -> None:
    for number in range(10):
        budget.body(str(number), 10)
    budget.now = 1
    budget.body("last", 1)
    assert len(budget.told) == 3
    assert budget.bodies.held_bytes == 71


def test_what_is_given_up_keeps_nothing_more_and_is_told_once(budget: Budget) -> None:
    body = budget.body("only", 101)
    budget.bodies.add(body, b"more")
    assert budget.told == ["only"]
    assert (body.is_given_up, body.received, budget.bodies.held_bytes) == (True, bytearray(), 0)


def test_a_body_that_has_arrived_or_was_given_up_counts_no_more(budget: Budget) -> None:
    with budget.bodies.arrival(lambda: None) as body:
        budget.bodies.add(body, b"x" * 60)
    with budget.bodies.arrival(lambda: None) as body:
        budget.bodies.add(body, b"x" * 101)
    assert budget.bodies.held_bytes == 0
