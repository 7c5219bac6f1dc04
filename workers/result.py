"""How an attempt's outcome becomes the result that the log keeps, and the line that is logged of it."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from eventlog.event import Event
from eventlog.outcome import Failure, Result
from eventlog.states import State
from handlers.failure import FailureDetail
from handlers.outcome import Dead, Outcome, Retried, Skipped, Succeeded
from handlers.registration import Handler

if TYPE_CHECKING:  # loads slowly
    from structlog.typing import FilteringBoundLogger


def success(
    *,
    seq: int,
    handler: Handler,
    attempt: int,
    failures: int,
    started_at: datetime,
    duration: timedelta,
    release: str | None = None,
) -> Result:
    """Give the result of a handler that returned; `failures` are those before this attempt."""
    return Result(
        seq=seq,
        handler=handler.name,
        attempt=attempt,
        failures=failures,
        state=State.DONE,
        started_at=started_at,
        duration=duration,
        version=handler.version,
        release=release,
        is_limited=handler.pace.concurrency is not None,
    )


def result_of(outcome: Outcome, done: Result) -> Result:
    """Give the result of an outcome; `done` is what it would be had the handler returned."""
    match outcome:
        case Succeeded():
            return done
        case Skipped():
            return replace(done, state=State.SKIPPED, note=outcome.reason or None)
        case Retried():
            return replace(
                done,
                state=State.WAITING,
                failures=done.failures + outcome.counted,
                retry_in=outcome.delay,
                note=outcome.reason or None,
                failure=_failure_of(outcome.error),
            )
        case Dead():
            return replace(
                done, state=State.DEAD, failures=done.failures + 1, failure=_failure_of(outcome.error)
            )
        case _:
            assert_never(outcome)


def _failure_of(detail: FailureDetail | None) -> Failure | None:
    if detail is None:
        return None
    return Failure(
        error_type=detail.error_type,
        message=detail.message,
        traceback=detail.traceback,
        fingerprint=detail.fingerprint,
    )


def report(logger: "FilteringBoundLogger", event: Event, result: Result, replay: int) -> None:
    """Log what came of a delivery."""
    fields: dict[str, object] = {
        "event_id": event.id,
        "type": event.type,
        "handler": result.handler,
        "attempt": result.attempt,
        "milliseconds": round(result.duration.total_seconds() * 1000, 1),
    }
    if replay:
        fields["replay"] = replay
    if result.failure is not None:
        fields["error"] = f"{result.failure.error_type}: {result.failure.message}"
    if result.retry_in is not None:
        fields["retry_in_seconds"] = round(result.retry_in.total_seconds(), 1)
    if result.note is not None:
        fields["reason"] = result.note
    log = logger.warning if result.failure is not None else logger.info
    log("delivery_" + result.state, **fields)
