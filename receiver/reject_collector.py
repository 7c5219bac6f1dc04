"""Keeps refused requests for the operator, off the request's path, at a cost that no sender can raise."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from eventlog.errors import LogUnavailable
from eventlog.rejects import NewReject, Quota
from receiver.reject_line import Allowance, RejectLine
from receiver.rejection import Rejection

_LINE_BYTES: Final = 16 * 1024 * 1024
_BATCH: Final = 200
_BATCH_BYTES: Final = 1024 * 1024
_WRITE_EVERY_SECONDS: Final = 1.0
_TELL_EVERY_SECONDS: Final = 60.0
_CLOSE_SECONDS: Final = 2.0

Keep = Callable[[Sequence[NewReject]], None]
"""Puts a batch into the ring; raises `LogUnavailable`."""


class RejectCollector:
    """A thread that writes what was refused; `offer` from any thread.

    The signed have a line of their own, and the unsigned an allowance: beyond it they are only counted.
    """

    def __init__(
        self,
        keep: Keep,
        keys: Callable[[], Sequence[bytes]],
        quota: Quota,
        *,
        write_every_seconds: float = _WRITE_EVERY_SECONDS,
        tell_every_seconds: float = _TELL_EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep = keep
        self._keys = keys
        self._write_every_seconds = write_every_seconds
        self._tell_every_seconds = tell_every_seconds
        self._clock = clock
        self._signed = RejectLine(requests=quota.events, bytes_=_LINE_BYTES)
        self._unsigned = RejectLine(requests=quota.events, bytes_=_LINE_BYTES, allowance=Allowance(clock))
        self._told = {"unsigned": 0, "signed": 0}
        self._told_at = clock()
        self._is_away = False
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._log = structlog.get_logger("receiver")
        self._thread = threading.Thread(target=self._write_batches, name="rejects", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, rejection: Rejection) -> None:
        """Keep it, if there is room; never waits and never fails."""
        with self._changed:
            if (self._signed if rejection.is_signed else self._unsigned).add(rejection):
                self._changed.notify()

    def close(self) -> None:
        """Write what is held, if the log can be reached at once, then stop."""
        with self._changed:
            self._ended.set()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)

    def _write_batches(self) -> None:
        while not self._ended.is_set():
            with self._changed:
                self._changed.wait_for(self._is_wanted, timeout=self._tell_every_seconds)
            self._write_next()
            self._tell_of_lost(at_once=False)
            self._ended.wait(self._write_every_seconds)
        while self._is_waited_for() and self._write_next():
            pass
        self._tell_of_lost(at_once=True)

    def _is_wanted(self) -> bool:
        return self._ended.is_set() or self._is_waited_for()

    def _is_waited_for(self) -> bool:
        return len(self._signed) + len(self._unsigned) > 0

    def _write_next(self) -> bool:
        """Write one batch; tell whether the log took it."""
        with self._changed:
            signed = self._signed.take(requests=_BATCH, bytes_=_BATCH_BYTES)
            unsigned = self._unsigned.take(requests=_BATCH, bytes_=_BATCH_BYTES)
        batch = sorted((*signed, *unsigned), key=lambda waiting: waiting.rejection.received_at)
        if not batch:
            return True
        keys = self._keys()
        try:
            self._keep([waiting.rejection.as_row(keys, not_kept=waiting.not_kept) for waiting in batch])
        except LogUnavailable as error:
            with self._changed:
                self._signed.put_back(signed)
                self._unsigned.put_back(unsigned)
            if not self._is_away:
                self._log.warning("rejects_wait_for_the_log", error=str(error))
            self._is_away = True
            return False
        except Exception:  # noqa: BLE001 - what can't be kept must not stop the keeping of others
            self._log.exception("rejects_not_kept", requests=len(batch))
        self._is_away = False
        return True

    def _tell_of_lost(self, *, at_once: bool) -> None:
        with self._changed:
            lost = {"unsigned": self._unsigned.lost, "signed": self._signed.lost}
        now = self._clock()
        if lost != self._told and (at_once or now - self._told_at >= self._tell_every_seconds):
            self._log.warning(
                "rejects_only_counted", **{name: lost[name] - self._told[name] for name in lost}
            )
            self._told, self._told_at = lost, now
