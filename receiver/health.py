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
    """Ask the log and the queue, and wait for them; only the log is required.

    A queue that is away comes back, and events wait for it. One that fails in another way, by a wrong address
    perhaps, may not: then this receiver had better not take the place of one that works.
    """
    logger = structlog.get_logger("receiver")
    log, queue, is_ready = "ok", "ok", True
    try:
        check_schema(service.log)
    except LogError as error:
        logger.warning("not_ready", reason=str(error))
        log, is_ready = "unavailable", False
    except Exception:
        logger.exception("readiness_unknown", part="log")
        log, is_ready = "unavailable", False
    try:
        service.queue.ping()
    except QueueUnavailable:
        queue = "unavailable; events are accepted and wait in the log"
    except Exception as error:
        logger.exception("readiness_unknown", part="queue")
        queue, is_ready = f"failed with {type(error).__name__}; the receiver's log says where", False
    return Answer(
        status=200 if is_ready else 503,
        payload={"status": "ready" if is_ready else "unavailable", "log": log, "queue": queue},
    )
