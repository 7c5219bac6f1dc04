"""Whether Redis answers and each kind of process is alive."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from console.doctor.finding import Finding, ok, problem, warning
from console.rendering import span
from console.visible import visible_line
from eventlog.database import EventLog
from eventlog.heartbeats import read_heartbeats
from handlers.pace import DEFAULT_QUEUE
from workers.queue.redis_queue import EventQueue, QueueUnavailable
from workers.queue.settings import QueueSettings

_KINDS: Final = {
    "receiver": "nothing is received",
    "worker": "events are received and kept, but no handler runs",
    "clock": "no retry and no replay runs, and what a crash left behind stays there",
}
"""Each kind of process, and what it means that none is alive."""


def check_redis(settings: QueueSettings) -> Iterator[Finding]:
    """Ask Redis how many jobs wait."""
    queue = EventQueue.connect(settings.url)
    try:
        jobs = queue.waiting_jobs()
    except QueueUnavailable as error:
        yield problem(
            "redis",
            f"{error}; workers are idle, nothing is lost",
            "start Redis, or correct REDIS_URL" if settings.redis_url else "run: hooks up, or set REDIS_URL",
        )
    else:
        yield ok("redis", f"answers, {jobs} job{'' if jobs == 1 else 's'} waiting")
    finally:
        queue.close()


def check_processes(log: EventLog) -> Iterator[Finding]:
    """Look for a living process of each kind, and for those that vanished."""
    beats = read_heartbeats(log)
    for kind, meaning in _KINDS.items():
        alive = [
            visible_line(beat.name)
            for beat in beats
            if beat.kind == kind and beat.is_alive and beat.queue in (None, DEFAULT_QUEUE)
        ]
        if alive:
            yield ok(kind, f"{len(alive)} alive: {', '.join(alive[:5])}{', ...' if len(alive) > 5 else ''}")
        else:
            yield problem(kind, f"none is alive: {meaning}", f"run: hooks {kind} (or hooks up, for all)")
    for beat in beats:
        if not beat.is_alive:
            silent = span(datetime.now(UTC) - beat.beat_at)
            yield warning(
                beat.kind,
                f"{visible_line(beat.name)} vanished {silent} ago without signing off",
                "see whether it was killed, or ran out of memory; what it was at is run again by the others",
            )
