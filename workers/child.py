"""A worker's child process: the user's handlers run here, and nowhere else."""

import os
import signal
import threading
import time
from types import FrameType
from typing import Final

import structlog
from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from eventlog.database import EventLog
from eventlog.schema import check_schema
from eventlog.settings import LogSettings
from handlers.discovery import discover, warnings_for
from handlers.settings import HandlerSettings
from workers.delivery import Deliverer
from workers.dispatch import Dispatcher
from workers.jobs import CURRENT_RUNNER
from workers.keeper import Keeper
from workers.page import Note, SharedPage
from workers.queue import EventQueue, QueueSettings, QueueUnavailable
from workers.rq_worker import EventWorker
from workers.runner import Announcer, Runner
from workers.settings import WorkerSettings
from workers.timer import HandlerTimer

_REDIS_AGAIN_SECONDS: Final = 0.5


class WorkerChild:
    """Everything of one child process."""

    def __init__(self, page: SharedPage) -> None:
        self._page = page
        self._parent = os.getppid()
        self._log = EventLog.open(LogSettings().url)
        self._queue = EventQueue.connect(QueueSettings().url)
        self._redis_url = QueueSettings().url
        self._timer = HandlerTimer()
        self._keeper = Keeper(self._log, self._queue, each_look=self._stop_when_orphaned)
        self._worker: EventWorker | None = None
        self._stopping = False  # no Event: setting one in a signal handler can deadlock
        self._logger = structlog.get_logger("worker")

    def run(self) -> None:
        """Load the handlers, then run jobs until told to stop.

        Raises `HandlerError`, `LogError` before the first job, when that can't work.
        """
        check_schema(self._log)
        router = discover(HandlerSettings())
        for warning in warnings_for(router):
            self._logger.warning("handler_warning", warning=warning)
        self._runner = Runner(
            self._log,
            self._page,
            self._keeper,
            Dispatcher(router, Deliverer(self._timer, Announcer(self._page))),
            lease=WorkerSettings().lease,
        )
        CURRENT_RUNNER.set(self._runner)
        self._timer.install()
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C, and tells us
        self._keeper.start()
        self._page.write(Note(is_ready=True))
        self._logger.info("worker_ready", handlers=len(router.handlers))
        while not self._stopping:
            self._work_until_redis_fails()

    def _work_until_redis_fails(self) -> None:
        # RQ's loop ends on some Redis errors (read-only, out of memory, a timeout): it is begun again.
        try:
            self._queue.ping()
            self._worker = EventWorker.connect(self._redis_url)
            self._worker.work(logging_level="WARNING")
        except StopRequested:
            return
        except (QueueUnavailable, RedisError, OSError) as error:
            self._logger.warning("queue_unavailable", error=str(error))
        if not self._stopping:
            time.sleep(_REDIS_AGAIN_SECONDS)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True
        self._runner.stop()
        if self._worker is not None:
            if self._runner.is_busy:
                self._worker.request_stop()
            else:
                self._worker.stop_waiting()

    def _stop_when_orphaned(self) -> None:
        if os.getppid() != self._parent and not self._stopping:
            self._logger.warning("parent_vanished")
            os.kill(os.getpid(), signal.SIGTERM)
            # Nobody is left to kill a handler that hangs.
            threading.Timer(WorkerSettings().grace_seconds, os._exit, (1,)).start()
