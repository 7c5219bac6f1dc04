"""Which deliveries run alone: in a queue of their handler's own, in order, or within limits."""

from collections.abc import Mapping

from eventlog.hand_on import Placement
from eventlog.leases import ORIGINAL_RUN, Claimed
from eventlog.limits import Limit
from handlers import Router
from handlers.registration import Handler


def placements(router: Router, claimed: Claimed, *, replay: int, queue: str | None) -> list[Placement]:
    """Give the deliveries of a claimed event that are to run elsewhere than where it was claimed."""
    prior = {delivery.handler: delivery for delivery in claimed.prior}
    if replay == ORIGINAL_RUN and queue is None:
        return [
            _placement(handler, claimed)
            for handler in router.for_type(claimed.event.type)
            if handler.pace.runs_alone and handler.name not in prior
        ]
    return [
        _placement(handler, claimed)
        for handler in router.handlers
        if handler.pace.runs_alone
        and handler.pace.queue_name != queue
        and handler.name in prior
        and prior[handler.name].is_due
    ]


def limits_of(router: Router) -> Mapping[str, Limit]:
    """Give the limits of those handlers that have any, by name."""
    return {
        handler.name: Limit(
            concurrency=handler.pace.concurrency,
            starts=None if handler.pace.rate is None else handler.pace.rate.starts,
            **({} if handler.pace.rate is None else {"period": handler.pace.rate.period}),
        )
        for handler in router.handlers
        if handler.pace.is_limited
    }


def _placement(handler: Handler, claimed: Claimed) -> Placement:
    return Placement(
        seq=claimed.seq,
        handler=handler.name,
        queue=handler.pace.queue_name,
        is_ordered=handler.pace.order is not None,
        subject=claimed.event.subject,
        patterns=handler.patterns,
    )
