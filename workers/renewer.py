"""Renews the lease of what a child holds, from its parent: a handler in C may stop the child's threads."""

import threading
from datetime import timedelta
from time import monotonic
from typing import Final

import structlog

from eventlog import leases
from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.hold import Hold
from workers.page import SharedPage

_RENEWALS_PER_LEASE: Final = 3


class Renewer:
    """A thread beside one child."""

    def __init__(self, log: EventLog, page: SharedPage, *, lease_seconds: float) -> None:
        self._log = log
        self._page = page
        self._lease_seconds = lease_seconds
        self._ended = threading.Event()
        self._stuck = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="renewer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def is_stuck(self) -> bool:
        """Whether the child held events for a lease's time, ran none of them, and the log was there."""
        return self._stuck.is_set()

    def _renew(self) -> None:
        seen = self._page.read()
        idle = 0
        while not self._ended.wait(self._lease_seconds / _RENEWALS_PER_LEASE):
            note = self._page.read()
            changed, seen = note != seen, note
            hold = note.hold
            if changed or hold is None or note.running is not None:
                idle = 0
            if hold is None or (note.running is not None and monotonic() > note.running.kill_at):
                continue
            # While the log is away the child waits for it, with outcomes that only it knows: it is not stuck.
            is_renewed = self._try(hold)
            idle = idle + 1 if is_renewed and not changed and note.running is None else 0
            if idle >= _RENEWALS_PER_LEASE:
                self._stuck.set()

    def _try(self, hold: Hold) -> bool:
        try:
            leases.renew(self._log, hold, duration=timedelta(seconds=self._lease_seconds))
        except LogUnavailable as error:
            structlog.get_logger("worker").warning("log_unavailable", while_doing="renew", error=str(error))
            return False
        return True
