"""What to do about a claim whose child process died: charge the one delivery that ran, free the rest."""

import hashlib
import signal
from datetime import UTC, datetime
from typing import Final

import structlog

from eventlog import leases
from eventlog.database import EventLog
from eventlog.outcome import Failure, Result
from eventlog.settlement import settle
from workers.memory import GROWN_EXIT
from workers.page import Note, Running
from workers.queue.redis_queue import EventQueue
from workers.surroundings import FILES_CLOSED_EXIT
from workers.waking import send_or_leave, send_woken

_OWN_EXITS: Final = {
    FILES_CLOSED_EXIT: "was ended, because files of its own were closed, such as the event log's,",
    GROWN_EXIT: "had grown half of the way to the memory that it may use (HOOKS_WORKER_MEMORY_MIB)",
}


def describe_exit(code: int) -> str:
    """Word a process's exit status, as `subprocess` gives it."""
    if code in _OWN_EXITS:
        return _OWN_EXITS[code]
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def recover(log: EventLog, queue: EventQueue, note: Note, *, cause: str, charge: bool) -> None:
    """Settle what a dead child held. Raises `LogUnavailable`; then it can be called again.

    With `charge`, the delivery that was running counts as failed; the others are as if never claimed.
    """
    hold = note.hold
    if hold is None:
        return
    if charge and note.running is not None:
        result = _result_of(note.running, cause)
        lost = settle(
            log,
            hold,
            results=[result],
            after_commit=lambda aftermath: send_woken(queue, aftermath.woken),
        )
        if not lost:
            structlog.get_logger("worker").error(
                f"delivery_{result.state}",
                event_id=note.running.event_id,
                handler=note.running.handler,
                attempt=note.running.attempt,
                error=f"{result.failure.error_type}: {result.failure.message}" if result.failure else "",
            )
    ids = leases.hand_back(log, hold)
    send_or_leave(queue, ids, replay=hold.replay, name=hold.queue)


def _result_of(running: Running, cause: str) -> Result:
    message = f"the worker process {cause} while this handler ran"
    return Result(
        seq=running.seq,
        handler=running.handler,
        attempt=running.attempt,
        failures=running.failures,
        state=running.state_after_crash,
        started_at=running.started_at,
        duration=datetime.now(UTC) - running.started_at,
        retry_in=running.retry_after_crash,
        version=running.version,
        holds_line=running.holds_line_after_crash,
        is_limited=running.is_limited,
        release=running.release,
        failure=Failure(
            error_type="WorkerCrashed",
            message=message,
            traceback=f"WorkerCrashed: {message}\n(a process that is gone leaves no traceback)",
            fingerprint=_fingerprint(running.handler, cause),
        ),
    )


def _fingerprint(handler: str, cause: str) -> str:
    return hashlib.sha256(f"{handler}\n{cause}".encode()).hexdigest()[:16]
