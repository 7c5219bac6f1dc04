"""Fifth step: dispatch. Run an event through every handler that wants it; none failing stops another."""

from collections.abc import Callable, Collection
from random import random
from typing import Final, NoReturn

from eventlog.hold import Hold
from eventlog.leases import Claimed, PriorDelivery
from eventlog.outcome import Closing, Result
from eventlog.states import UNFINISHED, State, summarise
from handlers import Context, Event, Router, exponential
from handlers.registration import Handler
from handlers.retry import RetryPolicy
from workers.delivery import Deliverer

_UNTIL_IT_IS_BACK: Final = exponential(5)
_TRIES_WITHOUT_IT: Final = 200
"""About six days of them: whoever wants the handler back has brought it back by then."""


class HandlerMissing(Exception):  # noqa: N818 - named for what happened
    """A delivery is for a handler that this worker does not have: it waits for one that has it."""

    def __init__(self, handler: str, attempt: int) -> None:
        super().__init__(
            f"no handler named {handler!r} is registered in this worker; was it renamed or removed?"
        )
        self.retry_after = _UNTIL_IT_IS_BACK.wait(attempt, random)
        self.permanent = attempt > _TRIES_WITHOUT_IT


class Dispatcher:
    """Runs handlers one after the other."""

    def __init__(self, router: Router, deliverer: Deliverer) -> None:
        self._router = router
        self._deliverer = deliverer

    def dispatch(
        self,
        claimed: Claimed,
        hold: Hold,
        *,
        is_lost: Callable[[], bool],
        record: Callable[[list[Result], Closing | None], None],
        elsewhere: Collection[str] = (),
        unplaced: Collection[str] = (),
    ) -> None:
        """Run what is due of one event; `record` is called with each outcome as it comes.

        The last call closes the event, where that is held itself. The handlers `elsewhere` are not called;
        those of them that are `unplaced` could not be handed on yet. When `is_lost` says that another worker
        may have taken over, nothing more is run.
        """
        states = {prior.handler: prior.state for prior in claimed.prior if prior.queue is None}
        unrecorded: list[Result] = []
        due = self._due_by_event(claimed) if hold.by_event else self._due_by_delivery(claimed)
        for handler, prior in due:
            if handler.name in elsewhere:
                continue
            if unrecorded:  # before the next handler runs; the last outcome is recorded with the event's end
                record(unrecorded, None)
                unrecorded = []
            if is_lost():
                return
            delivered = self._deliverer.deliver(claimed, handler, prior, hold)
            if delivered is None:
                return
            states[handler.name] = delivered.result.state
            if not delivered.is_recorded:
                unrecorded = [delivered.result]
        if hold.by_event:
            # What could not be handed on yet is tried again soon, with the event.
            states |= dict.fromkeys(unplaced, State.WAITING)
            record(
                unrecorded,
                Closing(
                    seq=claimed.seq,
                    event_id=claimed.event.id,
                    state=summarise(list(states.values())),
                    has_lone=bool(elsewhere) or any(prior.queue is not None for prior in claimed.prior),
                    is_due_now=bool(unplaced),
                ),
            )
        elif unrecorded:
            record(unrecorded, None)

    def _due_by_event(self, claimed: Claimed) -> list[tuple[Handler, PriorDelivery | None]]:
        """Give the handlers to run now: those without an outcome yet, and those whose retry is due."""
        if not claimed.prior:
            return [(handler, None) for handler in self._router.for_type(claimed.event.type)]
        prior = {delivery.handler: delivery for delivery in claimed.prior}
        matching = {handler.name: handler for handler in self._router.for_type(claimed.event.type)}
        vanished = [
            _missing(delivery.handler)
            for delivery in claimed.prior
            if delivery.state in UNFINISHED and delivery.queue is None and delivery.handler not in matching
        ]
        return [
            (handler, prior.get(handler.name))
            for handler in [*matching.values(), *vanished]
            if handler.name not in prior or prior[handler.name].is_due
        ]

    def _due_by_delivery(self, claimed: Claimed) -> list[tuple[Handler, PriorDelivery | None]]:
        """Give the handlers whose deliveries were claimed, in a replay or in a queue of their own."""
        registered = {handler.name: handler for handler in self._router.handlers}
        return [
            (registered.get(delivery.handler) or _missing(delivery.handler), delivery)
            for delivery in claimed.prior
            if delivery.is_due
        ]


def _missing(name: str) -> Handler:
    """Stand in for a handler that a delivery names and this worker lacks: it uses up no retry of its own."""

    def fail(_event: Event, context: Context) -> NoReturn:
        raise HandlerMissing(name, context.attempt)

    return Handler(
        name=name,
        patterns=("*",),
        function=fail,
        retry=RetryPolicy(),
        timeout_seconds=30.0,
        source="",
        version="",
    )
