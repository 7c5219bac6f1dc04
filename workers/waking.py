"""Send jobs for deliveries whose turn has come."""

from collections.abc import Iterable

import structlog

from eventlog.outcome import Woken
from workers.queue.redis_queue import EventQueue, QueueUnavailable


def send_woken(queue: EventQueue, woken: Iterable[Woken]) -> None:
    """Send them, to each queue and run its own; what can't be sent is left to the sweeper."""
    grouped: dict[tuple[str, int], list[str]] = {}
    for each in woken:
        grouped.setdefault((each.queue, each.replay), []).append(each.event_id)
    for (name, replay), ids in grouped.items():
        try:
            queue.send(ids, replay=replay, queue=name)
        except QueueUnavailable as error:
            structlog.get_logger("worker").warning(
                "queue_unavailable", left_to_the_sweeper=len(ids), error=str(error)
            )
