"""A worker in the test's own process: its real parts, with doubles where processes and Redis would be."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

from eventlog.in_memory import InMemoryLog
from handlers import Router
from handlers.apis import MakeApis
from handlers.http import AttemptHttp
from hooks_testkit.delivered import Call
from hooks_testkit.frozen_clock import FrozenClock
from workers.attempt_tools import Workshop
from workers.delivery import Deliverer
from workers.page import Running
from workers.rehearsal import KeeperAtOnce, PageOfOneProcess, QueueInMemory, SetTimer, SurroundingsLeftAlone
from workers.runner import Runner

LEASE: Final = timedelta(seconds=30)

_TRANSACTION_SECONDS: Final = 3600.0
"""A debugger may stop in a handler's transaction."""


class WorkerKilled(BaseException):
    """The worker is gone, and whatever its handlers go on to do is not recorded."""


class KillSwitch:
    """Kills the worker when it is about to record something for the n-th time after a handler began."""

    def __init__(self, *, before_record: int) -> None:
        self._left = before_record
        self._has_begun = False
        self.has_killed = False

    def handler_begins(self) -> None:
        self._has_begun = True

    def before_commit(self) -> None:
        if self.has_killed:
            raise WorkerKilled
        if not self._has_begun:
            return
        self._left -= 1
        if self._left == 0:
            self.has_killed = True
            raise WorkerKilled

    def handler_ends(self) -> None:
        # Before anything is made, or told, of what the handler raised.
        if self.has_killed:
            raise WorkerKilled

    def silence_the_dead(self, _logger: Any, _method: str, line: EventDict) -> EventDict:  # noqa: ANN401
        """Drop what a handler logs after the kill; a processor of structlog."""
        if self.has_killed:
            raise structlog.DropEvent
        return line


class Worker:
    """Runs jobs in the thread that asks it to."""

    def __init__(  # noqa: PLR0913 - the parts of a path
        self,
        log: InMemoryLog,
        queue: QueueInMemory,
        router: Router,
        *,
        clock: FrozenClock,
        timer: SetTimer,
        logger: FilteringBoundLogger,
        make_http: Callable[..., AttemptHttp],
        make_apis: MakeApis,
        called: Callable[[Call], None],
        kill: KillSwitch | None = None,
    ) -> None:
        """`called` is told of each call of a handler, before it."""
        self._queue = queue
        self._called = called
        self._kill = kill
        self._is_in_handler = False
        keeper = KeeperAtOnce(log, queue)
        shop = Workshop(
            log,
            timer,
            self._announce,
            SurroundingsLeftAlone(),
            transaction_seconds=_TRANSACTION_SECONDS,
            after_commit=keeper.after_commit,
            make_http=make_http,
            make_apis=make_apis,
        )
        deliverer = Deliverer(shop, now=clock.now, chance=lambda: 0.0, logger=logger.bind)
        self._runner = Runner(log, PageOfOneProcess(), keeper, router, deliverer, lease=LEASE)

    def run_one_job(self) -> bool:
        """Run the oldest job; tells whether there was one."""
        job = self._queue.take()
        if job is None:
            return False
        self._runner.run(list(job.event_ids), job.replay, job.queue)
        return True

    def _announce(self, running: Running | None) -> None:
        # A handler's transaction is announced too, with a limit of its own.
        begins = running is not None and not self._is_in_handler
        self._is_in_handler = running is not None
        if running is None and self._kill is not None:
            self._kill.handler_ends()
        if running is None or not begins:
            return
        self._called(
            Call(
                event_id=running.event_id,
                handler=running.handler,
                attempt=running.attempt,
                at=running.started_at,
            )
        )
        if self._kill is not None:
            self._kill.handler_begins()
