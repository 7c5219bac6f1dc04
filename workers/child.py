"""A worker's child process: the user's handlers run here, and nowhere else."""

import gc
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Final

import structlog
from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from clients.settings import ApiSettings
from eventlog.database import EventLog
from eventlog.schema import check_schema
from eventlog.settings import LogSettings
from handlers import Router
from handlers.discovery import discover, warnings_for
from handlers.settings import HandlerSettings
from workers.api_access import apis_of
from workers.attempt_tools import Workshop
from workers.delivery import Deliverer
from workers.jobs import CURRENT_RUNNER
from workers.keeper import Keeper
from workers.memory import GROWN_EXIT, Growth
from workers.page import Announcer, Note, SharedPage
from workers.queue.redis_queue import QUEUE_NAME, EventQueue, QueueUnavailable
from workers.queue.settings import QueueSettings
from workers.rq_worker import EventWorker
from workers.runner import Runner
from workers.settings import WorkerSettings
from workers.surroundings import Surroundings
from workers.timer import HandlerTimer

_REDIS_AGAIN_SECONDS: Final = 0.5


class WorkerChild:
    """Everything of one child process."""

    def __init__(self, page: SharedPage, queue: str = QUEUE_NAME) -> None:
        """`queue` is the one that it takes its jobs from."""
        self._page = page
        self._queue_name = queue
        self._log = EventLog.open(LogSettings().url)
        self._queue = EventQueue.connect(QueueSettings().url)
        self._redis_url = QueueSettings().url
        self._settings = WorkerSettings()
        self._timer = HandlerTimer()
        self._keeper = Keeper(self._log, self._queue, check_process=self._check_process)
        self._worker: EventWorker | None = None
        self._runner: Runner | None = None
        self._surroundings: Surroundings | None = None
        self._has_grown = False
        self._stopping = False  # no Event: setting one in a signal handler can deadlock
        self._is_orphaned = False
        self._logger = structlog.get_logger("worker")

    def run(self) -> int:
        """Load the handlers, then run jobs until told to stop; gives the exit code.

        Raises `HandlerError`, `LogError` before the first job, when that can't work.
        """
        check_schema(self._log)
        # With bytecode, an edit within one second and of one length would go unseen.
        sys.dont_write_bytecode = sys.dont_write_bytecode or self._settings.reload_file is not None
        router = discover(HandlerSettings())
        for warning in warnings_for(router):
            self._logger.warning("handler_warning", warning=warning)
        with suppress(StopRequested):  # raised by `_stop`, wherever it found the process idle
            self._install_signal_handlers()
            self._prepare(router)
            self._keeper.start()
            # What is loaded by now stays: the collector would look through all of it about once a second.
            gc.collect()
            gc.freeze()
            self._page.write(Note(is_ready=True))
            self._logger.info(
                "worker_ready",
                handlers=len(router.handlers),
                queue=self._queue_name,
                queues=router.queues,
            )
            while not self._stopping:
                self._work_until_redis_fails()
        # A thread that a handler started may never end.
        self._end_within(self._settings.grace_seconds, GROWN_EXIT if self._has_grown else 1)
        return GROWN_EXIT if self._has_grown else 0

    def _prepare(self, router: Router) -> None:
        surroundings = Surroundings(self._page.descriptor)
        growth = Growth(self._settings.memory_bytes)

        def leave_when_grown() -> None:
            """Make room for a new process before this one is killed in the middle of a handler."""
            if not self._has_grown and growth.is_too_much():
                self._has_grown = True
                self._stop()

        shop = Workshop(
            self._log,
            self._timer,
            Announcer(self._page),
            surroundings,
            transaction_seconds=self._settings.transaction_seconds,
            after_commit=self._keeper.after_commit,
            make_apis=apis_of(ApiSettings(), redis_url=self._redis_url),
        )
        self._surroundings = surroundings
        self._runner = Runner(
            self._log,
            self._page,
            self._keeper,
            router,
            Deliverer(shop, release=HandlerSettings().release),
            lease=self._settings.lease,
            after_each=leave_when_grown,
        )
        CURRENT_RUNNER.set(self._runner)

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGTERM, self._stop)
        # The parent hears Ctrl-C, and tells us. Not SIG_IGN: programs that handlers start would inherit that.
        signal.signal(signal.SIGINT, lambda _signal, _frame: None)
        # What a handler forks can be ended like any other process, from its first moment on.
        os.register_at_fork(
            before=_block_sigterm, after_in_parent=_unblock_sigterm, after_in_child=_restore_signal_handlers
        )

    def _work_until_redis_fails(self) -> None:
        # RQ's loop ends on some Redis errors (read-only, out of memory, a timeout): it is begun again.
        try:
            self._queue.ping()
            self._worker = EventWorker.connect(self._redis_url, self._queue_name)
            self._worker.work(logging_level="WARNING")
        except (QueueUnavailable, RedisError, OSError) as error:
            self._logger.warning("queue_unavailable", error=str(error))
        if not self._stopping:
            time.sleep(_REDIS_AGAIN_SECONDS)

    def _stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        if self._stopping:
            return
        self._stopping = True
        if self._runner is not None:
            self._runner.stop()
        if self._worker is None:
            raise StopRequested
        self._worker.request_stop()

    def _check_process(self) -> None:
        """End a process whose files were closed, or whose parent vanished; in the keeper's thread."""
        if self._surroundings is not None:
            self._surroundings.require_intact()
        self._stop_when_orphaned()

    def _stop_when_orphaned(self) -> None:
        if self._is_orphaned or os.getppid() == self._page.owner:
            return
        self._is_orphaned = True
        self._logger.warning("parent_vanished")
        # Nobody is left to kill a handler that hangs, nor to renew the lease: two thirds of it may be left.
        self._end_within(min(self._settings.grace_seconds, self._settings.lease_seconds / 2))
        os.kill(os.getpid(), signal.SIGTERM)

    def _end_within(self, seconds: float, code: int = 1) -> None:
        last_resort = threading.Timer(seconds, os._exit, (code,))
        last_resort.daemon = True
        last_resort.start()


def _block_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _unblock_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _restore_signal_handlers() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    _unblock_sigterm()
