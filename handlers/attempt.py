"""One attempt: call the handler once and decide what comes of it; nothing ever escapes."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, TypeGuard, TypeVar

from clients.errors import TryLater
from eventlog.event import Event

from .context import Context
from .deadline import deadline_of, missed, out_of_time
from .duration import duration
from .failure import describe
from .outcome import Dead, Outcome, Retried, RetryLater, Skip, Skipped, Succeeded
from .registration import Handler, HandlerFunction
from .storable import storable

REASON_LIMIT: Final = 500
_WAIT_REASON_LIMIT: Final = 200
_SHORTEST_WAIT: Final = timedelta(seconds=1)
"""Where an API names none: it uses up no retry, and would otherwise go round without a pause."""
_UNNAMED_WAIT: Final = timedelta(minutes=5)
"""Where an API says "later", and nothing usable of when."""

_Kind = TypeVar("_Kind")


def _now() -> datetime:
    return datetime.now(UTC)


def attempt(
    handler: Handler,
    event: Event,
    context: Context,
    *,
    failures: int,
    random: Callable[[], float],
    now: Callable[[], datetime] = _now,
    function: HandlerFunction | None = None,
) -> Outcome:
    """Call the handler, unless its deadline has passed, and return its outcome.

    `failures` counts the failed attempts before this one that used up a retry; `random` spreads the backoff;
    `function` is called in place of the handler's own.
    """
    deadline = deadline_of(handler, event, context)
    if deadline is not None and now() > deadline:
        return Dead(missed(handler))
    try:
        outcome = _call(handler, function or handler.function, event, context, failures, random)
    except BaseException as error:  # noqa: BLE001 - the worker's timer may strike while an outcome is made
        outcome = _failed(handler, error, failures, random)
    if deadline is not None and isinstance(outcome, Retried) and now() + outcome.delay > deadline:
        return Dead(out_of_time(handler, outcome))
    return outcome


def _call(
    handler: Handler,
    function: HandlerFunction,
    event: Event,
    context: Context,
    failures: int,
    random: Callable[[], float],
) -> Outcome:
    try:
        returned = function(event, context)
    except Skip as skip:
        return _skipped(skip)
    except RetryLater as later:
        return _retried_later(later)
    except BaseException as error:  # noqa: BLE001 - a handler that calls sys.exit() must not end the worker
        return _failed(handler, error, failures, random)
    return Succeeded() if returned is None else _told_by(returned, context)


def _told_by(returned: object, context: Context) -> Outcome:
    if _is(returned, Skip):
        return _skipped(returned)
    if _is(returned, RetryLater):
        return _retried_later(returned)
    _warn_of_value(returned, context)
    return Succeeded()


def _is(returned: object, kind: type[_Kind]) -> TypeGuard[_Kind]:
    # isinstance() would also ask what came back for its __class__, which may be made to raise.
    return issubclass(type(returned), kind)


def _skipped(skip: Skip) -> Skipped:
    return Skipped(storable(skip.reason, REASON_LIMIT))


def _retried_later(later: RetryLater) -> Retried:
    return Retried(delay=later.delay, counted=False, reason=storable(later.reason, REASON_LIMIT))


def _failed(
    handler: Handler, error: BaseException, failures: int, random: Callable[[], float]
) -> Retried | Dead:
    if _attribute(error, "permanent") is True:
        return Dead(describe(error))
    if _is(error, TryLater):
        return _told_to_wait(error)
    detail = describe(error)
    named = _retry_after(error)
    if named is not None:
        return Retried(delay=named, counted=False, error=detail)
    if handler.retry.gives_up_on(error):
        return Dead(detail)
    cause = _cause(error)
    if cause is not None:
        return _told_to_wait(cause)
    delay = handler.retry.delay(failures + 1, random)
    return Dead(detail) if delay is None else Retried(delay=delay, counted=True, error=detail)


def _told_to_wait(later: BaseException) -> Retried:
    """Wait as an API's rate limit or budget has it: nothing has failed, and no failure is recorded."""
    wait = _retry_after(later)
    delay = _UNNAMED_WAIT if wait is None else max(wait, _SHORTEST_WAIT)
    reason = " ".join(storable(later, _WAIT_REASON_LIMIT).split())
    return Retried(delay=delay, counted=False, reason=reason)


def _cause(error: BaseException) -> BaseException | None:
    """Return the wait that the handler's own error was raised from: `raise Mine(...) from rate_limited`."""
    seen: set[int] = set()
    cause = error.__cause__
    while cause is not None and id(cause) not in seen:
        if _is(cause, TryLater):
            return None if _attribute(cause, "permanent") is True else cause
        seen.add(id(cause))
        cause = cause.__cause__
    return None


def _retry_after(error: BaseException) -> timedelta | None:
    """Return the wait that the error names, such as a rate limit's; None where it names no usable one."""
    try:
        return duration(_attribute(error, "retry_after"))
    except ValueError:
        return None


def _attribute(error: BaseException, name: str) -> object:
    try:
        return getattr(error, name, None)
    except BaseException:  # noqa: BLE001 - a property of the user's class may raise anything
        return None


def _warn_of_value(returned: object, context: Context) -> None:
    with suppress(Exception):  # a logger that fails must not turn a success into a failure
        context.log.warning("handler_returned_value", returned=type(returned).__qualname__)
