"""One delivery: call a handler within its time limit, with the parent told of it, and give its result."""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

import structlog

from eventlog.event import Event
from eventlog.leases import Claimed, PriorDelivery
from eventlog.settlement import Failure, Result
from eventlog.states import State
from handlers import Context
from handlers.attempt import attempt
from handlers.failure import FailureDetail
from handlers.outcome import Dead, HandlerTimeout, Outcome, Retried, Skipped, Succeeded
from handlers.registration import Handler
from workers.page import Running
from workers.timer import HandlerTimer

_KILL_AFTER_SECONDS: Final = 2.0
"""How long a handler may ignore its timeout before it is killed."""

Announce = Callable[[Running | None], None]
"""Tells the parent which delivery is about to run; None when it is over."""


class Deliverer:
    """Calls handlers, in the main thread."""

    def __init__(self, timer: HandlerTimer, announce: Announce) -> None:
        self._timer = timer
        self._announce = announce

    def deliver(self, claimed: Claimed, handler: Handler, prior: PriorDelivery | None, replay: int) -> Result:
        number = (prior.attempts if prior else 0) + 1
        failures = prior.failures if prior else 0
        started_at = datetime.now(UTC)
        began = time.monotonic()
        self._announce(_running(claimed, handler, number, failures, started_at, began))
        try:
            outcome = self._attempt(claimed.event, handler, number, failures, replay, started_at)
        finally:
            self._announce(None)
        result = _result_of(
            outcome,
            seq=claimed.seq,
            handler=handler,
            attempt_number=number,
            failures=failures,
            started_at=started_at,
            duration=timedelta(seconds=time.monotonic() - began),
        )
        _report(claimed.event, result, replay)
        return result

    def _attempt(
        self,
        event: Event,
        handler: Handler,
        number: int,
        failures: int,
        replay: int,
        started_at: datetime,
    ) -> Outcome:
        fields = {"event_id": event.id, "handler": handler.name, "attempt": number}
        context = Context(
            log=structlog.get_logger("handler").bind(**fields, **({"replay": replay} if replay else {})),
            handler=handler.name,
            event_id=event.id,
            attempt=number,
            replay=replay,
            deadline=started_at + timedelta(seconds=handler.timeout_seconds),
        )
        # A copy for each handler: what one does to the decoded data is nothing to the next.
        own_event = replace(event)
        outcome: Outcome | None = None
        try:
            with self._timer.limit(handler.timeout_seconds):
                outcome = attempt(handler, own_event, context, failures=failures, random=random.random)
        except HandlerTimeout as late:
            # It struck when the handler had just ended; an outcome that is there counts.
            if outcome is None:
                outcome = attempt(
                    replace(handler, function=_raising(late)),
                    own_event,
                    context,
                    failures=failures,
                    random=random.random,
                )
        return outcome


def _raising(error: BaseException) -> Callable[[Event, Context], object]:
    def function(_event: Event, _context: Context) -> object:
        raise error

    return function


def _running(
    claimed: Claimed, handler: Handler, number: int, failures: int, started_at: datetime, began: float
) -> Running:
    retry_in = handler.retry.delay(failures + 1, random.random)
    return Running(
        seq=claimed.seq,
        event_id=claimed.event.id,
        handler=handler.name,
        attempt=number,
        failures=failures + 1,
        version=handler.version,
        started_at=started_at,
        timeout_seconds=handler.timeout_seconds,
        kill_at=began + handler.timeout_seconds + _KILL_AFTER_SECONDS,
        state_after_crash=State.DEAD if retry_in is None else State.WAITING,
        retry_after_crash=retry_in,
    )


def _result_of(
    outcome: Outcome,
    *,
    seq: int,
    handler: Handler,
    attempt_number: int,
    failures: int,
    started_at: datetime,
    duration: timedelta,
) -> Result:
    result = Result(
        seq=seq,
        handler=handler.name,
        attempt=attempt_number,
        failures=failures,
        state=State.DONE,
        started_at=started_at,
        duration=duration,
        version=handler.version,
    )
    match outcome:
        case Succeeded():
            return result
        case Skipped():
            return replace(result, state=State.SKIPPED, note=outcome.reason or None)
        case Retried():
            return replace(
                result,
                state=State.WAITING,
                failures=failures + outcome.counted,
                retry_in=outcome.delay,
                note=outcome.reason or None,
                failure=_failure_of(outcome.error),
            )
        case Dead():
            return replace(
                result, state=State.DEAD, failures=failures + 1, failure=_failure_of(outcome.error)
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


def _report(event: Event, result: Result, replay: int) -> None:
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
    logger = structlog.get_logger("worker")
    log = logger.warning if result.failure is not None else logger.info
    log(f"delivery_{result.state}", **fields)
