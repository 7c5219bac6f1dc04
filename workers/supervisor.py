"""A worker's parent process, with no user code in it: times, replaces and cleans up after its child."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Final

import structlog

from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from workers.crash import describe_exit, recover
from workers.memory import GROWN_EXIT, MIB, MemoryWatch
from workers.page import Note, Running, SharedPage
from workers.queue.redis_queue import EventQueue
from workers.reload_file import ReloadFile
from workers.renewer import Renewer
from workers.settings import WorkerSettings

CONFIGURATION_EXIT: Final = 78
"""A child's exit code when it can't start as configured (EX_CONFIG of sysexits.h)."""

_LOOK_EVERY_SECONDS: Final = 0.1
_RESTART_SECONDS: Final = (0.1, 5.0)
_LIVED_LONG_SECONDS: Final = 30.0
_NOT_MENDED_SECONDS: Final = 60.0
"""How long it is waited for handlers that can't be loaded; the reload file tells when they were mended."""
_RECOVER_AGAIN_SECONDS: Final = 0.5
_TOLD_TO_STOP: Final = "was told to stop"
_TOLD_TO_MAKE_ROOM: Final = "made room for changed handlers"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Killed:
    """An end that was the parent's doing."""

    cause: str
    guilty: Running | None = None
    """The delivery that is to be charged for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """How a child ended."""

    code: int
    note: Note
    """What it last said."""
    cause: str


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
        self._reload = ReloadFile(settings.reload_file)
        self._stopping = False
        self._memory_bytes = settings.memory_bytes
        self._logger = structlog.get_logger("worker")

    def stop(self) -> None:
        """Have the child finish what it is at; safe in a signal handler."""
        self._stopping = True

    def run(self) -> int:
        """Supervise until stopped; returns the exit code of the worker."""
        wait = _RESTART_SECONDS[0]
        was_ready = False
        while not self._stopping:
            began = monotonic()
            end = self._run_child()
            if self._stopping:
                break
            was_ready = was_ready or end.note.is_ready
            if end.cause == _TOLD_TO_MAKE_ROOM:
                continue
            if end.code == CONFIGURATION_EXIT and not was_ready:
                return 1  # the child has said why; starting it again would say it again
            # A handler that crashes is soon dead; what dies outside of them would do so without end.
            is_ill = end.note.running is None and end.code != GROWN_EXIT
            dies_young = is_ill and monotonic() - began < _LIVED_LONG_SECONDS
            wait = min(wait * 2, _RESTART_SECONDS[1]) if dies_young else _RESTART_SECONDS[0]
            if end.code == CONFIGURATION_EXIT and self._settings.reload_file is not None:
                # The child has said why: started at once, it would say it again until somebody mends it.
                self._logger.warning("worker_waits_for_a_mend", cause=end.cause)
                self._wait(_NOT_MENDED_SECONDS)
                continue
            self._logger.warning("worker_restarted", cause=end.cause)
            self._wait(wait)
        return 0

    def _wait(self, seconds: float) -> None:
        until = monotonic() + seconds
        while not self._stopping and (left := until - monotonic()) > 0 and not self._reload.has_changed():
            sleep(min(left, _LOOK_EVERY_SECONDS))

    def _run_child(self) -> "_End":
        page = SharedPage.create()
        self._reload.look()  # before the child reads the handlers: what is written from now on is news
        child = subprocess.Popen(
            [*self._command, str(page.descriptor)],
            pass_fds=(page.descriptor,),
            start_new_session=True,  # Ctrl-C in a terminal reaches the parent alone
        )
        renewer = Renewer(self._log, page, lease_seconds=self._settings.lease_seconds)
        renewer.start()
        try:
            killed = self._watch(child, page, renewer)
        finally:
            renewer.stop()
        note = page.read()
        page.close()
        if killed is None:
            end = _End(code=child.returncode, note=note, cause=describe_exit(child.returncode))
            self._recover(end, charge=True)
        else:
            end = _End(code=child.returncode, note=note, cause=killed.cause)
            # Where the guilty one ended in the very last moment, what the child began since is innocent.
            self._recover(end, charge=killed.guilty is not None and killed.guilty == note.running)
        return end

    def _watch(
        self, child: "subprocess.Popen[bytes]", page: SharedPage, renewer: Renewer
    ) -> "_Killed | None":
        """Wait for the child's end; end it when a handler or the end takes too long, or too much memory.

        Returns why, where the end was the parent's doing.
        """
        memory = MemoryWatch(child.pid, self._memory_bytes)
        told_at: float | None = None
        makes_room = False
        while True:
            try:
                child.wait(_LOOK_EVERY_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            else:
                if told_at is not None:
                    return _Killed(cause=_TOLD_TO_STOP)
                made_room = makes_room and child.returncode in (0, -signal.SIGTERM)  # and did not crash
                return _Killed(cause=_TOLD_TO_MAKE_ROOM) if made_room else None
            now = monotonic()
            if not makes_room and self._reload.has_changed():
                child.terminate()  # it finishes what it is at, for as long as that may take
                makes_room = True
            if self._stopping and told_at is None:
                child.terminate()
                told_at = now
            killed = self._reason_to_kill(page.read().running, now, memory, renewer)
            if killed is None and told_at is not None and now > told_at + self._settings.grace_seconds:
                killed = _Killed(cause=_TOLD_TO_STOP)
            if killed is not None:
                _kill(child)
                return killed

    def _reason_to_kill(
        self, running: Running | None, now: float, memory: MemoryWatch, renewer: Renewer
    ) -> "_Killed | None":
        if running is not None and now > running.kill_at:
            return _Killed(cause=f"was killed, because it ran over {running.limit}", guilty=running)
        if memory.is_over():
            most = self._memory_bytes // MIB
            words = f"was killed, because it used more than {most} MiB of memory (HOOKS_WORKER_MEMORY_MIB)"
            return _Killed(cause=words, guilty=running)
        if renewer.is_stuck:
            return _Killed(cause="was killed, because it was stuck outside of all handlers")
        return None

    def _recover(self, end: "_End", *, charge: bool) -> None:
        deadline = monotonic() + self._settings.lease_seconds
        while True:
            try:
                recover(self._log, self._queue, end.note, cause=end.cause, charge=charge)
            except LogUnavailable as error:
                # After the lease's end the sweeper frees what the child held; nobody is charged then.
                if self._stopping or monotonic() > deadline:
                    self._logger.warning("log_unavailable", while_doing="recover", error=str(error))
                    return
                sleep(_RECOVER_AGAIN_SECONDS)
            else:
                return


def _kill(child: "subprocess.Popen[bytes]") -> None:
    """Kill a child with all that its handlers started: it leads a session of its own."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
