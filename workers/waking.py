"""Send jobs for what may run now; what can't be sent is left to the sweeper."""

from collections.abc import Iterable, Sequence

import structlog

from eventlog.outcome import Woken
from workers.queue.redis_queue import EventQueue, QueueUnavailable


def send_woken(queue: EventQueue, woken: Iterable[Woken]) -> None:
    """Send jobs for deliveries whose turn has come, to each queue and run its own."""
    grouped: dict[tuple[str, int], list[str]] = {}
    for each in woken:
        grouped.setdefault((each.queue, each.replay), []).append(each.event_id)
    for (name, replay), ids in grouped.items():
        send_or_leave(queue, ids, replay=replay, name=name)


def send_or_leave(queue: EventQueue, ids: Sequence[str], *, replay: int, name: str | None) -> None:
    """Send a job for these events, to the queue of this name; raises nothing when Redis is away."""
    try:
        queue.send(ids, replay=replay, queue=name)
    except QueueUnavailable as error:
        structlog.get_logger("worker").warning(
            "queue_unavailable", left_to_the_sweeper=len(ids), error=str(error)
        )
