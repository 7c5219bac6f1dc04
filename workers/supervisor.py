"""A worker's parent process, with no user code in it: times, replaces and cleans up after its child."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from eventlog import leases
from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from workers.crash import describe_exit, recover
from workers.page import Note, Running, SharedPage
from workers.queue.redis_queue import EventQueue
from workers.settings import WorkerSettings

CONFIGURATION_EXIT: Final = 78
"""A child's exit code when it can't start as configured (EX_CONFIG of sysexits.h)."""

_LOOK_EVERY_SECONDS: Final = 0.1
_RESTART_SECONDS: Final = (0.1, 5.0)
_RECOVER_AGAIN_SECONDS: Final = 0.5
_TOLD_TO_STOP: Final = "was told to stop"


class Supervisor:
    """Runs one child at a time until told to stop."""

    def __init__(
        self, log: EventLog, queue: EventQueue, settings: WorkerSettings, command: Sequence[str]
    ) -> None:
        """`command` starts a child; the shared page's file descriptor is added as its last argument."""
        self._log = log
        self._queue = queue
        self._settings = settings
        self._command = command
        self._stopping = False
        self._logger = structlog.get_logger("worker")

    def stop(self) -> None:
        """Have the child finish what it is at; safe in a signal handler."""
        self._stopping = True

    def run(self) -> int:
        """Supervise until stopped; returns the exit code of the worker."""
        wait = _RESTART_SECONDS[0]
        was_ready = False
        while not self._stopping:
            code, note = self._run_child()
            if self._stopping:
                break
            was_ready = was_ready or note.is_ready
            if code == CONFIGURATION_EXIT and not was_ready:
                return 1  # the child has said why; starting it again would say it again
            wait = _RESTART_SECONDS[0] if note.is_ready else min(wait * 2, _RESTART_SECONDS[1])
            self._logger.warning("worker_restarted", cause=describe_exit(code))
            self._wait(wait)
        return 0

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_EVERY_SECONDS))

    def _run_child(self) -> tuple[int, Note]:
        page = SharedPage.create()
        child = subprocess.Popen(
            [*self._command, str(page.descriptor)],
            pass_fds=(page.descriptor,),
            start_new_session=True,  # Ctrl-C in a terminal reaches the parent alone
        )
        renewing = threading.Event()
        renewer = threading.Thread(target=self._renew, args=(page, renewing), name="renewer", daemon=True)
        renewer.start()
        try:
            cause, overrun = self._watch(child, page)
        finally:
            renewing.set()
            renewer.join()
        note = page.read()
        page.close()
        # Where the late handler ended in the very last moment, what the child began since is innocent.
        charge = cause != _TOLD_TO_STOP and overrun in (None, note.running)
        self._recover(note, cause or describe_exit(child.returncode), charge=charge)
        return child.returncode, note

    def _watch(self, child: "subprocess.Popen[bytes]", page: SharedPage) -> tuple[str | None, Running | None]:
        """Wait for the child's end; kills it when a handler or the end takes too long.

        Returns why it ended, where that was the parent's doing, and the delivery for which it was killed.
        """
        told_at: float | None = None
        while True:
            try:
                child.wait(_LOOK_EVERY_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            else:
                return (None if told_at is None else _TOLD_TO_STOP), None
            now = time.monotonic()
            if self._stopping and told_at is None:
                child.terminate()
                told_at = now
            running = page.read().running
            if running is not None and now > running.kill_at:
                _kill(child)
                cause = f"was killed, because it ran over its timeout of {running.timeout_seconds:g} s"
                return cause, running
            if told_at is not None and now > told_at + self._settings.grace_seconds:
                _kill(child)
                return _TOLD_TO_STOP, None

    def _renew(self, page: SharedPage, ended: threading.Event) -> None:
        """Renew the lease of what the child holds; a handler in C may stop all of the child's threads."""
        seen = page.read()
        while not ended.wait(self._settings.lease_seconds / 3):
            note = page.read()
            is_alive = note != seen if note.running is None else time.monotonic() < note.running.kill_at
            seen = note
            if note.lease is None or not is_alive:
                continue
            try:
                leases.renew(
                    self._log,
                    replay=note.replay,
                    lease=note.lease,
                    duration=timedelta(seconds=self._settings.lease_seconds),
                )
            except LogUnavailable as error:
                self._logger.warning("log_unavailable", while_doing="renew", error=str(error))

    def _recover(self, note: Note, cause: str, *, charge: bool) -> None:
        deadline = time.monotonic() + self._settings.lease_seconds
        while True:
            try:
                recover(self._log, self._queue, note, cause=cause, charge=charge)
            except LogUnavailable as error:
                # After the lease's end the sweeper frees what the child held; nobody is charged then.
                if self._stopping or time.monotonic() > deadline:
                    self._logger.warning("log_unavailable", while_doing="recover", error=str(error))
                    return
                time.sleep(_RECOVER_AGAIN_SECONDS)
            else:
                return


def _kill(child: "subprocess.Popen[bytes]") -> None:
    """Kill a child with all that its handlers started: it leads a session of its own."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
