"""A worker's parent process, with no user code in it: times, replaces and cleans up after its child."""

import subprocess
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from eventlog import leases
from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from workers.crash import describe_exit, recover
from workers.page import Note, SharedPage
from workers.queue import EventQueue
from workers.settings import WorkerSettings

CONFIGURATION_EXIT: Final = 78
"""A child's exit code when it can't start as configured (EX_CONFIG of sysexits.h)."""

_LOOK_EVERY_SECONDS: Final = 0.1
_RESTART_SECONDS: Final = (0.1, 5.0)
_RECOVER_AGAIN_SECONDS: Final = 0.5


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
            if code == CONFIGURATION_EXIT and not was_ready:
                return 1  # the child has said why; starting it again would say it again
            was_ready = was_ready or note.is_ready
            wait = _RESTART_SECONDS[0] if note.is_ready else min(wait * 2, _RESTART_SECONDS[1])
            self._logger.warning("worker_restarted", cause=describe_exit(code))
            time.sleep(wait)
        return 0

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
            cause = self._watch(child, page)
        finally:
            renewing.set()
            renewer.join()
        note = page.read()
        page.close()
        self._recover(note, cause or describe_exit(child.returncode), was_told=cause == _TOLD_TO_STOP)
        return child.returncode, note

    def _watch(self, child: "subprocess.Popen[bytes]", page: SharedPage) -> str | None:
        """Wait for the child's end; kills it when a handler or the end takes too long, and then says why."""
        told_at: float | None = None
        while True:
            try:
                child.wait(_LOOK_EVERY_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            else:
                return _TOLD_TO_STOP if told_at is not None else None
            now = time.monotonic()
            if self._stopping and told_at is None:
                child.terminate()
                told_at = now
            running = page.read().running
            if running is not None and now > running.kill_at:
                child.kill()
                child.wait()
                return f"was killed, because it ran over its timeout of {running.timeout_seconds:g} s"
            if told_at is not None and now > told_at + self._settings.grace_seconds:
                child.kill()
                child.wait()
                return _TOLD_TO_STOP

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

    def _recover(self, note: Note, cause: str, *, was_told: bool) -> None:
        deadline = time.monotonic() + self._settings.lease_seconds
        while True:
            try:
                recover(self._log, self._queue, note, cause=cause, charge=not was_told)
            except LogUnavailable as error:
                # After the lease's end the sweeper frees what the child held; nobody is charged then.
                if self._stopping or time.monotonic() > deadline:
                    self._logger.warning("log_unavailable", while_doing="recover", error=str(error))
                    return
                time.sleep(_RECOVER_AGAIN_SECONDS)
            else:
                return


_TOLD_TO_STOP: Final = "was told to stop"
