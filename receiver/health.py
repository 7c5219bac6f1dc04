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
    logger = structlog.get_logger("receiver")
    log, queue = "ok", "ok"
    try:
        check_schema(service.log)
    except LogError as error:
        logger.warning("not_ready", reason=str(error))
        log = "unavailable"
    except Exception:
        logger.exception("readiness_unknown", part="log")
        log = "unavailable"
    try:
        service.queue.ping()
    except QueueUnavailable:
        queue = "unavailable; events are accepted and wait in the log"
    except Exception as error:
        logger.exception("readiness_unknown", part="queue")
        queue = f"failed with {type(error).__name__}; events are accepted and wait in the log"
    is_ready = log == "ok"
    return Answer(
        status=200 if is_ready else 503,
        payload={"status": "ready" if is_ready else "unavailable", "log": log, "queue": queue},
    )
