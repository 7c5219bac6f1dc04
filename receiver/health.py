"""Whether the receiver is alive, and whether it is ready for events."""

from typing import Final

import structlog

from eventlog.errors import LogError
from eventlog.schema import check_schema
from receiver.answer import Answer
from receiver.service import Service
from workers.queue.redis_queue import QueueUnavailable

ALIVE: Final = Answer(status=200, payload={"status": "alive"})


def readiness(service: Service) -> Answer:
    """Ask the log and the queue, and wait for them; only the log is required."""
    try:
        check_schema(service.log)
        log = "ok"
    except LogError as error:
        structlog.get_logger("receiver").warning("not_ready", reason=str(error))
        log = "unavailable"
    try:
        service.queue.ping()
        queue = "ok"
    except QueueUnavailable:
        queue = "unavailable; events are accepted and wait in the log"
    is_ready = log == "ok"
    return Answer(
        status=200 if is_ready else 503,
        payload={"status": "ready" if is_ready else "unavailable", "log": log, "queue": queue},
    )
