"""Runs every check, whatever the others find."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Final

from pydantic import ValidationError

from console.doctor.backlog import check_dead, check_unclaimed
from console.doctor.configuration import check_secret, check_settings
from console.doctor.feeding import check_replays
from console.doctor.finding import Finding, problem
from console.doctor.lanes import check_lanes, check_lines, own_queues
from console.doctor.processes import check_processes, check_redis
from console.doctor.queue import check_queue
from console.doctor.reconciling import Reconciliation, Repair
from console.doctor.storage import check_durability, open_usable_log
from console.doctor.user_code import check_handlers
from eventlog.database import EventLog
from eventlog.reconciliation.search import Extent, Part
from workers.queue.redis_queue import EventQueue, QueueUnavailable
from workers.queue.registries import QueueContents, QueueRegistries
from workers.queue.settings import QueueSettings
from workers.settings import WorkerSettings

_RENEWALS_PER_LEASE: Final = 3
_LATE_SECONDS: Final = 1.0

Progress = Callable[[Part, Extent], None]


def examine(*, fix: bool = False, progress: Progress | None = None) -> Iterator[Finding]:
    """Check everything; mend if asked. With `progress` the whole log is gone through, and that called."""
    yield from _guarded("settings", check_settings)
    yield from _guarded("webhook secret", check_secret)
    with ExitStack() as opened:
        registries = _open_registries(opened)
        contents = _read(registries)
        logs: list[EventLog] = []
        yield from _guarded("database", partial(_open_log, opened, logs))
        log = logs[0] if logs else None
        if log is not None:
            yield from _guarded("durability", partial(check_durability, log))
            yield from _guarded("processes", partial(check_processes, log))
            yield from _guarded("queues", partial(check_lanes, log))
            yield from _guarded("reconciled", partial(_reconcile, log, contents, fix, progress))
            yield from _guarded("backlog", partial(check_unclaimed, log))
            yield from _guarded("dead", partial(check_dead, log))
            yield from _guarded("order", partial(check_lines, log))
            yield from _guarded("replays", partial(check_replays, log, contents))
        yield from _guarded("redis", lambda: check_redis(QueueSettings()))
        if contents is not None:
            mender = registries if fix else None
            yield from _guarded("queue", partial(check_queue, contents, log, registries=mender))
            for name in own_queues(log) if log is not None else ():
                yield from _guarded(f"queue {name}", partial(_check_own_queue, name, log, fix))
    yield from _guarded("handlers", check_handlers)


def _open_log(opened: ExitStack, logs: list[EventLog]) -> Iterator[Finding]:
    log, finding = open_usable_log()
    if log is not None:
        logs.append(opened.enter_context(closing(log)))
    yield finding


def _open_registries(opened: ExitStack) -> QueueRegistries | None:
    try:
        return opened.enter_context(closing(QueueRegistries.connect(QueueSettings().url)))
    except (ValidationError, ValueError):
        return None  # as the check of the settings, or of Redis, tells


def _read(registries: QueueRegistries | None) -> QueueContents | None:
    """Read what RQ holds once, for all checks that compare it with the log."""
    try:
        return None if registries is None else registries.read()
    except QueueUnavailable:
        return None


def _reconcile(
    log: EventLog,
    contents: QueueContents | None,
    fix: bool,
    progress: Progress | None,
) -> Iterator[Finding]:
    if not fix:
        yield from Reconciliation(log, contents, progress=progress).check()
        return
    renewal = WorkerSettings().lease_seconds / _RENEWALS_PER_LEASE + _LATE_SECONDS
    with closing(EventQueue.connect(QueueSettings().url)) as queue:
        repair = Repair(send=partial(_send, queue), renewal_seconds=renewal)
        yield from Reconciliation(log, contents, repair=repair, progress=progress).check()


def _check_own_queue(name: str, log: EventLog | None, fix: bool) -> Iterator[Finding]:
    with closing(QueueRegistries.connect(QueueSettings().url, name)) as registries:
        contents = registries.read()
        mender = registries if fix else None
        yield from check_queue(contents, log, registries=mender, name=f"queue {name}")


def _send(queue: EventQueue, event_ids: Sequence[str], replay: int) -> bool:
    try:
        queue.send(event_ids, replay=replay)
    except QueueUnavailable:
        return False
    return True


def _guarded(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except ValidationError:
        yield problem(name, "not checked, for its settings are wrong", "correct them first")
    except Exception as error:  # noqa: BLE001 - one check that fails must not stop the others
        yield problem(name, f"can't be checked: {type(error).__name__}: {error}", "see the message")
