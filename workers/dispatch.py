"""Fifth step: dispatch. Run an event through every handler that wants it; none failing stops another."""

from collections.abc import Callable
from typing import NoReturn

from eventlog.leases import ORIGINAL_RUN, Claimed, PriorDelivery
from eventlog.outcome import Closing, Result
from eventlog.states import UNFINISHED, summarise
from handlers import Context, Event, Router
from handlers.registration import Handler
from handlers.retry import RetryPolicy
from workers.delivery import Deliverer


class HandlerMissing(Exception):  # noqa: N818 - named for what happened
    """A delivery is for a handler that this worker does not have."""


class Dispatcher:
    """Runs handlers one after the other."""

    def __init__(self, router: Router, deliverer: Deliverer) -> None:
        self._router = router
        self._deliverer = deliverer

    def dispatch(
        self,
        claimed: Claimed,
        *,
        replay: int,
        lease: str,
        is_lost: Callable[[], bool],
        record: Callable[[list[Result], Closing | None], None],
    ) -> None:
        """Run what is due of one event; `record` is called with each outcome as it comes.

        The last call closes the event, which only its original run does. When `is_lost` says that another
        worker may have taken over, nothing more is run.
        """
        states = {prior.handler: prior.state for prior in claimed.prior}
        due = self._due_in_replay(claimed) if replay != ORIGINAL_RUN else self._due_in_original(claimed)
        for handler, prior in due:
            if is_lost():
                return
            delivered = self._deliverer.deliver(claimed, handler, prior, replay=replay, lease=lease)
            if delivered is None:
                return
            states[handler.name] = delivered.result.state
            if not delivered.is_recorded:
                record([delivered.result], None)
        if replay == ORIGINAL_RUN:
            state = summarise(list(states.values()))
            record([], Closing(seq=claimed.seq, event_id=claimed.event.id, state=state))

    def _due_in_original(self, claimed: Claimed) -> list[tuple[Handler, PriorDelivery | None]]:
        """Give the handlers to run now: those without an outcome yet, and those whose retry is due."""
        prior = {delivery.handler: delivery for delivery in claimed.prior}
        matching = {handler.name: handler for handler in self._router.for_type(claimed.event.type)}
        vanished = [
            _missing(delivery.handler)
            for delivery in claimed.prior
            if delivery.state in UNFINISHED and delivery.handler not in matching
        ]
        return [
            (handler, prior.get(handler.name))
            for handler in [*matching.values(), *vanished]
            if handler.name not in prior or prior[handler.name].is_due
        ]

    def _due_in_replay(self, claimed: Claimed) -> list[tuple[Handler, PriorDelivery | None]]:
        """Give the handlers whose deliveries were claimed; a replay makes them before it runs them."""
        registered = {handler.name: handler for handler in self._router.handlers}
        return [
            (registered.get(delivery.handler) or _missing(delivery.handler), delivery)
            for delivery in claimed.prior
            if delivery.is_due
        ]


def _missing(name: str) -> Handler:
    """Stand in for a handler that a delivery names and this worker lacks: it fails, and so is retried."""

    def fail(_event: Event, _context: Context) -> NoReturn:
        raise HandlerMissing(
            f"no handler named {name!r} is registered in this worker; was it renamed or removed?"
        )

    return Handler(
        name=name,
        patterns=("*",),
        function=fail,
        retry=RetryPolicy(),
        timeout_seconds=30.0,
        source="",
        version="",
    )
