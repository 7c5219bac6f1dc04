"""The deadline: what is not tried any more, and what the delivery then says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from handlers import Context, Event, RetryLater, fixed
from handlers.attempt import attempt
from handlers.outcome import Dead, Outcome, Retried, Succeeded
from handlers.registration import Handler
from handlers.testing import make_event

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
EVENT = replace(make_event("memory.stored"), received_at=NOON)
TYPE = "handlers.deadline.DeadlinePassed"


def outcome_at(after: float, function: Any, *, replay: int = 0, took: float = 0, wait: float = 10) -> Outcome:
    """Make an attempt so many seconds after the event's arrival; the deadline is a minute."""
    handler = Handler.of(function, ("*",), name="h", backoff=fixed(wait), deadline=timedelta(minutes=1))
    context = Context(
        log=structlog.get_logger(), handler="h", event_id=EVENT.id, attempt=1, replay=replay, deadline=NOON
    )
    times = iter((NOON + timedelta(seconds=after), NOON + timedelta(seconds=after + took)))
    return attempt(handler, EVENT, context, failures=0, random=lambda: 0.0, now=lambda: next(times))


def fail(event: Event, ctx: Context) -> None:
    raise ValueError("no")


def later(event: Event, ctx: Context) -> None:
    raise RetryLater(20, "not yet there")


def limited(event: Event, ctx: Context) -> None:
    error = OSError("slow down")
    error.retry_after = 30  # type: ignore[attr-defined]
    raise error


def test_a_first_attempt_that_comes_too_late_is_not_made() -> None:
    calls: list[object] = []
    outcome = outcome_at(61, lambda event, ctx: calls.append(event))
    assert calls == []
    assert isinstance(outcome, Dead)
    assert outcome.error.error_type == TYPE
    assert "later than 1 min after the event's arrival" in outcome.error.message
    assert "was not called" in outcome.error.message


@pytest.mark.parametrize("after", [0, 59, 60])
def test_an_attempt_within_the_deadline_is_made(after: float) -> None:
    assert outcome_at(after, lambda event, ctx: None, took=100) == Succeeded()


def test_a_failure_whose_retry_would_come_too_late_is_dead_at_once_with_its_own_error() -> None:
    assert isinstance(outcome_at(50, fail), Retried)
    outcome = outcome_at(50.1, fail)
    assert isinstance(outcome, Dead)
    assert outcome.error.error_type == TYPE
    assert "the next was due in 10 s; this one failed with ValueError: no" in outcome.error.message
    first, last = outcome.error.traceback.split("\n\n")
    assert "in fail" in first
    assert first.endswith("ValueError: no")
    assert last.startswith(f"{TYPE}: no attempt begins later")


def test_it_is_found_together_with_the_failures_of_its_cause() -> None:
    early, late = outcome_at(0, fail), outcome_at(59, fail)
    assert isinstance(early, Retried)
    assert isinstance(late, Dead)
    assert early.error is not None
    assert late.error.fingerprint == early.error.fingerprint


def test_the_time_that_the_attempt_took_counts() -> None:
    assert isinstance(outcome_at(10, fail, took=45), Dead)


def test_it_holds_for_what_asks_for_a_later_attempt() -> None:
    assert isinstance(outcome_at(40, later), Retried)
    outcome = outcome_at(41, later)
    assert isinstance(outcome, Dead)
    assert outcome.error.error_type == TYPE
    assert "due in 20 s, as was asked for: not yet there" in outcome.error.message
    assert isinstance(outcome_at(30, limited), Retried)
    assert isinstance(outcome_at(31, limited), Dead)


def test_in_a_replay_it_does_not_count() -> None:
    assert outcome_at(10**9, lambda event, ctx: None, replay=3) == Succeeded()
    assert isinstance(outcome_at(10**9, fail, replay=3), Retried)


def test_an_error_that_is_for_good_stays_what_it_is() -> None:
    handler = Handler.of(fail, ("*",), name="h", retries=0, deadline=60)
    context = Context(
        log=structlog.get_logger(), handler="h", event_id=EVENT.id, attempt=1, replay=0, deadline=NOON
    )
    outcome = attempt(handler, EVENT, context, failures=0, random=lambda: 0.0, now=lambda: NOON)
    assert isinstance(outcome, Dead)
    assert outcome.error.error_type == "ValueError"


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_no_retry_is_ever_due_past_the_deadline(after: float, took: float, wait: float) -> None:
    outcome = outcome_at(after, fail, took=took, wait=wait)
    ended_at = NOON + timedelta(seconds=after + took)
    if isinstance(outcome, Retried):
        assert ended_at + outcome.delay <= NOON + timedelta(minutes=1)
    else:
        assert ended_at + timedelta(seconds=wait) > NOON + timedelta(minutes=1)
