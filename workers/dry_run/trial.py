"""One handler on one event in a dry run: called as a worker would call it, and nothing kept of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from eventlog.database import EventLog
from eventlog.event import Event
from eventlog.outcome import Result
from eventlog.states import State
from eventlog.undone_transaction import begin_undone
from eventlog.written_rows import WrittenRows
from handlers import Context
from handlers.apis import Access, AttemptApis
from handlers.attempt import attempt
from handlers.failure import FailureDetail
from handlers.http import AttemptHttp
from handlers.once import Steps
from handlers.outcome import Dead, HandlerTimeout, Outcome, Retried, Skipped, Succeeded
from handlers.registration import Handler, HandlerFunction
from handlers.rehearsed_steps import StepsInMemory
from handlers.transaction import LastAct
from workers.dry_run.limit import TrialLimit
from workers.dry_run.messages import Findings, RecordedCall, TrialError
from workers.dry_run.place import Place
from workers.step_shield import StepShield
from workers.surroundings import Surroundings
from workers.timer import KILL_AFTER_SECONDS, HandlerTimer

if TYPE_CHECKING:
    from clients.settings import ApiSettings
    from handlers.http_record import RecordingTransport


class Trier:
    """Runs trials, one at a time, in the main thread."""

    def __init__(
        self,
        log: EventLog,
        timer: HandlerTimer,
        surroundings: Surroundings,
        announce_kill_at: Callable[[float], None],
        *,
        transaction_seconds: float,
        replay: int,
        api_settings: "ApiSettings",
    ) -> None:
        """`replay` is the number that a replay would have now."""
        self._log = log
        self._timer = timer
        self._surroundings = surroundings
        self._announce_kill_at = announce_kill_at
        self._transaction_seconds = transaction_seconds
        self._replay = replay
        self._api_settings = api_settings

    def run(self, handler: Handler, event: Event) -> Findings:
        """Call the handler; gives what would have come of it."""
        from handlers.http_record import RecordingTransport  # noqa: PLC0415 - loads slowly

        began = monotonic()
        kill_at = began + handler.timeout_seconds + KILL_AFTER_SECONDS
        written = WrittenRows()
        sending = RecordingTransport()
        http = AttemptHttp(seconds=handler.timeout_seconds, transport=sending)
        apis = self._apis(handler.timeout_seconds, sending)
        last_act = LastAct(
            partial(begin_undone, self._log, seconds=self._transaction_seconds, written=written),
            partial(_done, handler),
            TrialLimit(
                self._timer,
                self._surroundings,
                self._announce_kill_at,
                seconds=self._transaction_seconds,
                kill_at=kill_at,
            ),
        )
        # In memory: a step is taken for real, as in a replay, and what it returned lasts as long as this.
        steps = Steps(
            StepsInMemory(),
            StepShield(self._timer, self._surroundings),
            last_act,
            attempt=1,
            ends_at=began + handler.timeout_seconds,
        )
        logger = structlog.get_logger("handler")
        context = Context(
            log=logger.bind(event_id=event.id, handler=handler.name, attempt=1, dry_run=True),
            handler=handler.name,
            event_id=event.id,
            attempt=1,
            replay=self._replay,
            deadline=datetime.now(UTC) + timedelta(seconds=handler.timeout_seconds),
            open_transaction=last_act.open,
            run_once=steps.once,
            open_http=http.client,
            open_chaozcode=apis.chaozcode,
            open_chucky=apis.chucky,
            is_dry_run=True,
        )
        place = Place(handler.function)
        try:
            outcome = self._within_time_limit(
                replace(handler, function=self._guarded(place.watch)), event, context
            )
        finally:
            http.close()
            apis.close()
            self._surroundings.restore()
        is_recorded = last_act.recorded is not None
        return _findings(
            Succeeded() if is_recorded else outcome,
            milliseconds=(monotonic() - began) * 1000,
            place=place.found,
            written=written if is_recorded else WrittenRows(),
            sending=sending,
        )

    def _apis(self, seconds: float, sending: "RecordingTransport") -> AttemptApis:
        from handlers.api_examples import chaozcode_example, chucky_example  # noqa: PLC0415 - loads slowly

        return AttemptApis(
            seconds=seconds,
            # No key goes anywhere, so none need be set.
            chaozcode=Access(
                key="of_a_dry_run",
                base_url=self._api_settings.chaozcode_url,
                transport=sending.answering(chaozcode_example),
            ),
            chucky=Access(
                key="of_a_dry_run",
                base_url=self._api_settings.chucky_url,
                transport=sending.answering(chucky_example),
            ),
        )

    def _within_time_limit(self, handler: Handler, event: Event, context: Context) -> Outcome:
        outcome: Outcome | None = None
        try:
            self._timer.install()
            with self._timer.limit(handler.timeout_seconds):
                outcome = attempt(handler, event, context, failures=0, random=lambda: 0.0)
        except HandlerTimeout as late:
            # It struck when the handler had just ended; an outcome that is there counts.
            if outcome is None:
                raising = replace(handler, function=_raising(late))
                outcome = attempt(raising, event, context, failures=0, random=lambda: 0.0)
        return outcome

    def _guarded(self, function: HandlerFunction) -> HandlerFunction:
        def guarded(event: Event, context: Context) -> object:
            try:
                return function(event, context)
            finally:
                self._surroundings.require_intact()

        return guarded


def _done(handler: Handler) -> Result:
    return Result(
        seq=0,
        handler=handler.name,
        attempt=1,
        failures=0,
        state=State.DONE,
        started_at=datetime.now(UTC),
        duration=timedelta(0),
    )


def _raising(error: BaseException) -> HandlerFunction:
    def function(_event: Event, _context: Context) -> object:
        raise error

    return function


def _findings(
    outcome: Outcome, *, milliseconds: float, place: str, written: WrittenRows, sending: "RecordingTransport"
) -> Findings:
    detail, reason, wait, counted = None, "", None, False
    match outcome:
        case Succeeded():
            state = State.DONE
        case Skipped():
            state, reason = State.SKIPPED, outcome.reason
        case Retried():
            state, detail, reason = State.WAITING, outcome.error, outcome.reason
            wait, counted = outcome.delay.total_seconds(), outcome.counted
        case Dead():
            state, detail = State.DEAD, outcome.error
    return Findings(
        outcome=state.value,  # type: ignore[arg-type]
        milliseconds=round(milliseconds, 1),
        error=None if detail is None else _error(detail, place),
        reason=reason,
        retry_in_seconds=wait,
        uses_up_retry=counted,
        rows=written.rows,
        statements=written.statements,
        calls=tuple(RecordedCall(method=call.method, url=call.url) for call in sending.calls),
        calls_left_out=sending.left_out,
    )


def _error(detail: FailureDetail, place: str) -> TrialError:
    return TrialError(type=detail.error_type, message=detail.message, place=place)
