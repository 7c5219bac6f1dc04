"""One delivery: call a handler within its time limit, with the parent told of it, and give its result."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import msgspec
import structlog
from msgspec.structs import replace

from eventlog.event import Event
from eventlog.hold import Hold
from eventlog.leases import Claimed, PriorDelivery
from eventlog.outcome import Result
from eventlog.states import State
from handlers import Context
from handlers.attempt import attempt
from handlers.outcome import HandlerTimeout, Outcome, Succeeded
from handlers.registration import Handler, HandlerFunction
from workers.attempt_tools import AttemptTools, Workshop
from workers.page import Running
from workers.result import report, result_of, success
from workers.timer import KILL_AFTER_SECONDS

if TYPE_CHECKING:  # loads slowly
    from structlog.typing import FilteringBoundLogger


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _HandlersLogger:
    """A logger that is made when it is first used: most handlers log nothing."""

    __slots__ = ("_fields",)

    def __init__(self, **fields: object) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - structlog's own is that
        if name.startswith("__"):  # what copies it asks for such
            raise AttributeError(name)
        return getattr(structlog.get_logger("handler", **self._fields), name)


def _handlers_logger(**fields: object) -> "FilteringBoundLogger":
    return cast("FilteringBoundLogger", _HandlersLogger(**fields))


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt."""

    result: Result
    is_recorded: bool
    """Whether the log has it already, by the handler's own transaction."""


class Deliverer:
    """Calls handlers, in the main thread."""

    def __init__(
        self,
        shop: Workshop,
        *,
        release: str | None = None,
        now: Callable[[], datetime] = _utc_now,
        chance: Callable[[], float] = random.random,
        logger: "Callable[..., FilteringBoundLogger]" = _handlers_logger,
    ) -> None:
        self._shop = shop
        self._timer = shop.timer
        self._announce = shop.announce
        self._surroundings = shop.surroundings
        self._release = release
        self._now = now
        self._chance = chance
        self._logger = logger
        self._reports = structlog.get_logger("worker")
        self._waits_after_crash: dict[tuple[str, int], timedelta | None] = {}

    def deliver(
        self,
        claimed: Claimed,
        handler: Handler,
        prior: PriorDelivery | None,
        hold: Hold,
    ) -> Delivered | None:
        """Run one attempt; None where it must have no outcome, as another worker may have taken over."""
        number, failures = (prior.attempts + 1, prior.failures) if prior else (1, 0)
        began, started_at = monotonic(), self._now()
        ends_at = began + handler.timeout_seconds

        def done() -> Result:
            return success(
                seq=claimed.seq,
                handler=handler,
                attempt=number,
                failures=failures,
                started_at=started_at,
                duration=timedelta(seconds=monotonic() - began),
                release=self._release,
            )

        running = self._running(claimed, handler, number, failures, started_at, ends_at)
        tools = AttemptTools(self._shop, hold, running, ends_at=ends_at, done=done)
        fields = {"event_id": claimed.event.id, "handler": handler.name, "attempt": number}
        context = Context(
            log=self._logger(**fields, **({"replay": hold.replay} if hold.replay else {})),
            handler=handler.name,
            event_id=claimed.event.id,
            attempt=number,
            replay=hold.replay,
            deadline=started_at + timedelta(seconds=handler.timeout_seconds),
            open_transaction=tools.transaction,
            run_once=tools.once,
            open_http=tools.http,
            open_chaozcode=tools.chaozcode,
            open_chucky=tools.chucky,
        )
        self._announce(running)
        try:
            outcome = self._within_time_limit(claimed.event, handler, context, failures)
        finally:
            tools.close()
            self._surroundings.restore()
            self._announce(None)
        lost, recorded = tools.ending
        if lost is not None:
            self._reports.warning("delivery_dropped", reason=lost, **fields)
            return None
        if recorded is not None:
            _tell_of_an_encore(outcome, fields)
        result = recorded or result_of(outcome, done())
        if result.state is State.DEAD and handler.pace.on_dead == "hold":
            result = replace(result, holds_line=True)
        report(self._reports, claimed.event, result, hold.replay)
        return Delivered(result=result, is_recorded=recorded is not None)

    def _within_time_limit(self, event: Event, handler: Handler, context: Context, failures: int) -> Outcome:
        # A copy for each handler: what one does to it, or to the decoded data, is nothing to the next.
        call = partial(
            attempt, handler, _copy(event), context, failures=failures, random=self._chance, now=self._now
        )
        outcome: Outcome | None = None
        try:
            self._timer.install()
            with self._timer.limit(handler.timeout_seconds):
                outcome = call(function=partial(self._guarded, handler.function))
        except HandlerTimeout as late:
            # It struck when the handler had just ended; an outcome that is there counts.
            if outcome is None:
                outcome = call(function=_raising(late))
        return outcome

    def _guarded(self, function: HandlerFunction, event: Event, context: Context) -> object:
        try:
            return function(event, context)
        finally:
            self._surroundings.require_intact()

    def _running(
        self,
        claimed: Claimed,
        handler: Handler,
        number: int,
        failures: int,
        started_at: datetime,
        ends_at: float,
    ) -> Running:
        retry_in = self._wait_after_crash(handler, failures + 1)
        return Running(
            seq=claimed.seq,
            event_id=claimed.event.id,
            handler=handler.name,
            attempt=number,
            failures=failures + 1,
            version=handler.version,
            release=self._release,
            started_at=started_at,
            timeout_seconds=handler.timeout_seconds,
            kill_at=ends_at + KILL_AFTER_SECONDS,
            is_limited=handler.pace.concurrency is not None,
            holds_line_after_crash=retry_in is None and handler.pace.on_dead == "hold",
            state_after_crash=State.DEAD if retry_in is None else State.WAITING,
            retry_after_crash=retry_in,
        )

    def _wait_after_crash(self, handler: Handler, failures: int) -> timedelta | None:
        # Drawn once for all: this process crashes but once.
        key = handler.name, failures
        if key not in self._waits_after_crash:
            self._waits_after_crash[key] = handler.retry.delay(failures, self._chance)
        return self._waits_after_crash[key]


def _copy(event: Event) -> Event:
    return Event(
        id=event.id,
        type=event.type,
        subject=event.subject,
        created_at=event.created_at,
        received_at=event.received_at,
        body=event.body,
    )


def _raising(error: BaseException) -> HandlerFunction:
    def function(_event: Event, _context: Context) -> object:
        raise error

    return function


def _tell_of_an_encore(outcome: Outcome, fields: dict[str, object]) -> None:
    if not isinstance(outcome, Succeeded):
        # The delivery is done with its transaction; whatever the handler did after it can't fail it.
        structlog.get_logger("worker").warning(
            "ended_otherwise_after_its_transaction", outcome=type(outcome).__name__, **fields
        )
