"""A thread that reports, every few seconds, that its process lives."""

import os
import socket
import threading
from typing import Final

import structlog

from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.heartbeats import BEAT_EVERY, beat, sign_off

_SIGN_OFF_SECONDS: Final = 2.0


class Pulse:
    """Heartbeats of one process; a log that is away is tried again at the next beat."""

    def __init__(self, log: EventLog, *, kind: str, queue: str | None = None) -> None:
        self._log = log
        self._queue = queue
        self._kind = kind
        self._name = f"{kind}@{socket.gethostname()}:{os.getpid()}"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Report the end of the process, if the log can be reached at once."""
        self._ended.set()
        self._thread.join(_SIGN_OFF_SECONDS)

    def _beat(self) -> None:
        try:
            while True:
                self._report()
                if self._ended.wait(BEAT_EVERY.total_seconds()):
                    sign_off(self._log, name=self._name)
                    return
        except LogUnavailable:
            return

    def _report(self) -> None:
        try:
            beat(self._log, name=self._name, kind=self._kind, queue=self._queue)
        except LogUnavailable as error:
            structlog.get_logger(self._kind).debug("log_unavailable", while_doing="beat", error=str(error))
