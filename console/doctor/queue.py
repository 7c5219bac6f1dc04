"""Whether what RQ holds can be worked off, and what its registries were left with."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from console.doctor.finding import Finding, mended, naming, ok, problem, warning
from console.rendering import span
from eventlog.database import EventLog
from eventlog.diagnosis import is_held, read_unknown
from workers.queue.registries import (
    JOBS_AT_MOST,
    Entry,
    QueueContents,
    QueueRegistries,
    Registry,
    oldest_wait,
)

_CHECK: Final = "queue"
_OLD: Final = timedelta(hours=1)
_IDS_AT_MOST: Final = 20_000
_FIX: Final = "run: hooks doctor --fix"
_LEFT: Final = {
    Registry.STARTED: "were begun by workers that are gone; the clock queues what they held",
    Registry.FAILED: "failed at RQ, outside of all handlers; the clock queues what they held",
    Registry.DEFERRED: "are deferred at RQ, which nothing of ours does",
    Registry.SCHEDULED: "are scheduled at RQ, which nothing of ours does",
    Registry.CANCELED: "were cancelled at RQ, which nothing of ours does; the clock sends others",
}


def check_queue(
    contents: QueueContents,
    log: EventLog | None,
    *,
    registries: QueueRegistries | None = None,
    name: str = "queue",
) -> Iterator[Finding]:
    """Look through what one look at RQ found; with `registries`, remove there what is of no use."""
    found = [
        *_suspension(contents),
        *_unreadable(contents, registries),
        *_left(contents, log, registries),
        *_vanished(contents, registries),
        *_backlog(contents),
        *(() if log is None else _unknown(contents, log)),
    ]
    yield from found
    if not found:
        named = sum(len(job.event_ids) for job in contents.jobs)
        yield ok(name, f"{contents.waiting:,} jobs wait, for {named:,} events; RQ holds nothing else")


def _suspension(contents: QueueContents) -> Iterator[Finding]:
    if contents.is_suspended:
        yield problem(_CHECK, "somebody told the workers to take no jobs (rq suspend)", "run: rq resume")


def _unreadable(contents: QueueContents, registries: QueueRegistries | None) -> Iterator[Finding]:
    jobs = [job for job in contents.jobs if job.defect is not None]
    names = [job.id for job in jobs]
    if not jobs:
        return
    told = f"jobs wait that no worker can run ({jobs[0].defect})"
    if registries is None:
        yield problem("jobs", f"{len(names):,} {told}: {naming(names)}", _FIX, names)
    elif removed := registries.remove_waiting(jobs):
        yield mended("jobs", f"{removed:,} {told}; removed: {naming(names)}", names)


def _left(
    contents: QueueContents, log: EventLog | None, registries: QueueRegistries | None
) -> Iterator[Finding]:
    for registry, told in _LEFT.items():
        entries = [each for each in contents.entries if each.registry is registry and _is_left(each, log)]
        names = [entry.job.id for entry in entries]
        if entries and registries is None:
            yield warning(f"{registry} jobs", f"{len(names):,} jobs {told}: {naming(names)}", _FIX, names)
        elif registries is not None and (removed := registries.remove_entries(entries)):
            yield mended(f"{registry} jobs", f"{removed:,} jobs {told}; removed: {naming(names)}", names)


def _is_left(entry: Entry, log: EventLog | None) -> bool:
    if entry.registry is not Registry.STARTED:
        return True
    # A worker that is busy for long, or was forgotten when Redis was wiped, still renews its leases.
    return log is not None and not is_held(
        log, entry.job.event_ids, replay=entry.job.replay, queue=entry.job.queue
    )


def _vanished(contents: QueueContents, registries: QueueRegistries | None) -> Iterator[Finding]:
    if not contents.vanished_workers:
        return
    told = f"{contents.vanished_workers:,} of the workers on RQ's list vanished without signing off"
    if registries is None:
        yield warning("rq workers", told, f"{_FIX}; RQ itself takes them off after some minutes")
    elif registries.forget_vanished_workers():
        yield mended("rq workers", f"{told}; taken off")


def _backlog(contents: QueueContents) -> Iterator[Finding]:
    todo = "start a worker, or more of them (hooks worker)"
    if not contents.is_whole:
        yield warning(_CHECK, f"{contents.waiting:,} jobs wait, of which {JOBS_AT_MOST:,} were read", todo)
    oldest = oldest_wait(contents)
    if oldest is not None and oldest > _OLD:
        yield warning(_CHECK, f"the oldest of the waiting jobs is {span(oldest)} old", todo)


def _unknown(contents: QueueContents, log: EventLog) -> Iterator[Finding]:
    ids = list(dict.fromkeys(event_id for job in contents.jobs for event_id in job.event_ids))
    unknown = read_unknown(log, ids[:_IDS_AT_MOST])
    if unknown:
        yield warning(
            _CHECK,
            f"jobs wait for {len(unknown):,} events that the log does not have: {naming(unknown)}",
            "see whether another installation uses this REDIS_URL, or the log is an old copy",
            unknown[:JOBS_AT_MOST],
        )
