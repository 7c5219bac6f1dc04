"""Which deliveries run alone: in a queue of their handler's own, in order, or within limits."""

from collections.abc import Mapping

from eventlog.hand_on import Placement
from eventlog.hold import Hold
from eventlog.leases import Claimed
from eventlog.limits import Limit
from handlers import Router
from handlers.pace import Pace
from handlers.registration import Handler


def placements(router: Router, claimed: Claimed, hold: Hold) -> list[Placement]:
    """Give the deliveries of a claimed event that are to run elsewhere than where it was claimed."""
    if not router.alone:
        return []
    prior = {delivery.handler: delivery for delivery in claimed.prior}
    if hold.by_event:
        return [
            _placement(handler, claimed)
            for handler in router.alone
            if handler.matches(claimed.event.type) and handler.name not in prior
        ]
    return [
        _placement(handler, claimed)
        for handler in router.alone
        if handler.pace.queue_name != hold.queue and handler.name in prior and prior[handler.name].is_due
    ]


def limits_of(router: Router) -> Mapping[str, Limit]:
    """Give the limits of those handlers that have any, by name."""
    return {handler.name: _limit(handler.pace) for handler in router.handlers if handler.pace.is_limited}


def _limit(pace: Pace) -> Limit:
    if pace.rate is None:
        return Limit(concurrency=pace.concurrency)
    return Limit(concurrency=pace.concurrency, starts=pace.rate.starts, period=pace.rate.period)


def _placement(handler: Handler, claimed: Claimed) -> Placement:
    return Placement(
        seq=claimed.seq,
        handler=handler.name,
        queue=handler.pace.queue_name,
        is_ordered=handler.pace.order is not None,
        subject=claimed.event.subject,
        patterns=handler.patterns,
    )
