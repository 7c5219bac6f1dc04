"""An API that says "later": the handler is called again then, and nothing counts as failed."""

from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
import structlog

from clients.chaozcode.errors import RateLimited, Unauthorized
from clients.chucky.errors import TokenExpired, UserBudgetExhausted
from clients.errors import KeyMissing, LimitReached, TryLater
from handlers import Context, Event, Router
from handlers.attempt import attempt
from handlers.duration import LONGEST
from handlers.outcome import Dead, Outcome, Retried
from handlers.registration import Handler
from handlers.testing import make_event, run

EVENT = make_event("memory.stored", memoryId="m1")


class Later(TryLater):
    def __init__(self, retry_after: Any) -> None:
        super().__init__("busy")
        self.retry_after = retry_after


class OwnError(Exception):
    pass


def outcome_of(function: Any, *, event: Event = EVENT, **options: Any) -> Outcome:
    handler = Handler.of(function, ("*",), name="h", **options)
    context = Context(
        log=structlog.get_logger(),
        handler="h",
        event_id=event.id,
        attempt=1,
        replay=0,
        deadline=datetime.now(UTC),
    )
    return attempt(handler, event, context, failures=9, random=lambda: 0.5, now=lambda: event.received_at)


def raising(error: BaseException, cause: BaseException | None = None) -> Any:
    def fail(event: Event, ctx: Context) -> NoReturn:
        raise error from cause

    return fail


def budget(**fields: Any) -> UserBudgetExhausted:
    return UserBudgetExhausted("budget used up", **fields)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (RateLimited("slow down", status=429, retry_after=30), 30),
        (RateLimited("slow down", status=429), 60),
        (LimitReached(12.5), 12.5),
        (budget(retry_after=31 * 86400), 31 * 86400),
        (Later(timedelta(minutes=2)), 120),
        (Later(0), 1),
    ],
)
def test_a_wait_is_no_failure_however_many_were_before(error: TryLater, seconds: float) -> None:
    assert outcome_of(raising(error), retries=0) == Retried(
        delay=timedelta(seconds=seconds), counted=False, error=None, reason=str(error)
    )


@pytest.mark.parametrize("given", [None, -5, float("nan"), LONGEST.total_seconds() * 2, "soon"])
def test_a_wait_without_a_usable_time_is_one_of_minutes(given: Any) -> None:
    outcome = outcome_of(raising(Later(given)))
    assert isinstance(outcome, Retried)
    assert (outcome.delay, outcome.counted, outcome.error) == (timedelta(minutes=5), False, None)


@pytest.mark.parametrize(
    "error",
    [
        budget(permanent=True),
        TokenExpired("expired", status=401),
        Unauthorized("wrong key", status=401),
        KeyMissing("CHUCKY_TOKEN", "Chucky"),
    ],
)
def test_what_never_ends_is_dead_with_its_error(error: Exception) -> None:
    outcome = outcome_of(raising(error), retries=5)
    assert isinstance(outcome, Dead)
    assert outcome.error.message == str(error)


@pytest.mark.parametrize("options", [{"retry_on": OSError}, {"give_up_on": TryLater}])
def test_a_wait_goes_before_what_the_handler_says_of_errors(options: dict[str, Any]) -> None:
    assert isinstance(outcome_of(raising(LimitReached(5)), **options), Retried)


def test_the_reason_is_one_short_line() -> None:
    outcome = outcome_of(raising(RateLimited("a\nb " * 500, status=429)))
    assert isinstance(outcome, Retried)
    assert outcome.reason.startswith("a b a b")
    assert len(outcome.reason) <= 200


def test_an_own_error_that_is_raised_from_a_wait_waits() -> None:
    between = RuntimeError("between")
    between.__cause__ = LimitReached(7)
    for cause in (LimitReached(7), between):
        outcome = outcome_of(raising(OwnError("no ticket"), cause), retries=0)
        assert isinstance(outcome, Retried)
        assert (outcome.delay, outcome.counted) == (timedelta(seconds=7), False)
        assert "limit is reached" in outcome.reason


@pytest.mark.parametrize("options", [{"retry_on": OSError}, {"give_up_on": OwnError}])
def test_what_the_handler_says_of_its_own_error_goes_before_its_cause(options: dict[str, Any]) -> None:
    outcome = outcome_of(raising(OwnError("no ticket"), LimitReached(7)), **options)
    assert isinstance(outcome, Dead)


def test_the_cause_of_an_own_error_counts_only_where_it_was_named_and_helps() -> None:
    def unrelated(event: Event, ctx: Context) -> None:
        try:
            raising(LimitReached(7))(event, ctx)
        except LimitReached:
            {}["missing"]  # type: ignore[index]

    assert isinstance(outcome_of(unrelated, retries=0), Dead)
    assert isinstance(outcome_of(raising(OwnError("x"), budget(permanent=True)), retries=0), Dead)
    round_about = OwnError("round")
    other = OwnError("about")
    other.__cause__ = round_about
    assert isinstance(outcome_of(raising(round_about, other), retries=0), Dead)


def test_the_deadline_goes_before_a_wait() -> None:
    outcome = outcome_of(raising(budget(retry_after=3600)), deadline=timedelta(minutes=10))
    assert isinstance(outcome, Dead)
    assert "budget used up" in outcome.error.message
    assert "due in 1 h" in outcome.error.message


router = Router()


@router.on("agent.failed")
def ask_in_a_step(event: Event, ctx: Context) -> None:
    def ask() -> str:
        raise LimitReached(40)

    ctx.once("ask", ask)


def test_a_wait_in_a_step_leaves_the_step_untaken() -> None:
    first = run(ask_in_a_step, make_event("agent.failed"))
    assert first.outcome == Retried(delay=timedelta(seconds=40), counted=False, reason=str(LimitReached(40)))
    assert (first.error, first.failures) == (None, 0)
    assert run(ask_in_a_step, make_event("agent.failed"), after=first).outcome == first.outcome
