"""A page of memory that a worker's child shares with its parent: what it holds, and what it is running.

When the child dies, the parent reads there which claim to free, and which delivery to charge.
"""

import mmap
import os
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Self

import msgspec

from eventlog.hold import Hold
from eventlog.states import State

_SLOT_BYTES: Final = 8192
_LENGTH_BYTES: Final = 4
_HEAD_BYTES: Final = _LENGTH_BYTES + 1
"""Of a slot: its content's length, and whether the delivery that it names still runs."""
_OWNER_BYTES: Final = 8
_SLOTS_AT: Final = 1 + _OWNER_BYTES
_PAGE_BYTES: Final = _SLOTS_AT + 2 * _SLOT_BYTES


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """The delivery whose handler runs at the moment."""

    seq: int
    event_id: str
    handler: str
    attempt: int
    failures: int
    """Counted failures if this attempt ends in a crash."""
    version: str
    release: str | None = None
    started_at: datetime
    timeout_seconds: float
    kill_at: float
    """On the machine's monotonic clock: when a handler that did not heed its timeout is killed."""
    holds_line_after_crash: bool = False
    is_limited: bool = False
    state_after_crash: State
    retry_after_crash: timedelta | None
    transaction_seconds: float | None = None
    """How long its transaction may take, while it has one open."""

    @property
    def limit(self) -> str:
        """Word the limit that `kill_at` is about."""
        if self.transaction_seconds is None:
            return f"its timeout of {self.timeout_seconds:g} s"
        return f"HOOKS_TRANSACTION_SECONDS, {self.transaction_seconds:g} s, in ctx.transaction()"


Announce = Callable[[Running | None], None]
"""Tells the parent which delivery is about to run; None when it is over."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What the child last said."""

    is_ready: bool = False
    """Whether it came as far as waiting for jobs."""
    lease: str | None = None
    replay: int = 0
    queue: str | None = None
    running: Running | None = None

    @property
    def hold(self) -> Hold | None:
        """What the child has claimed, or is about to."""
        return None if self.lease is None else Hold(lease=self.lease, replay=self.replay, queue=self.queue)


_encode: Final = msgspec.json.Encoder().encode
_RUNS: Final = b"\x01"


class SharedPage:
    """Two slots, written in turn, and a count of the writes, whose parity says which slot is whole.

    A child killed while writing thus leaves the former note, and a reader sees when it was overtaken.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _PAGE_BYTES)
        self.written = Note()
        """The newest note that this process wrote."""

    @classmethod
    def create(cls) -> Self:
        """Make a page; pass its `descriptor` on to the child."""
        with tempfile.TemporaryFile() as file:
            file.truncate(_PAGE_BYTES)
            page = cls(os.dup(file.fileno()))
        page._memory[1:_SLOTS_AT] = os.getpid().to_bytes(_OWNER_BYTES)
        page.write(Note())
        return page

    @property
    def owner(self) -> int:
        """The pid of the process that made the page: the parent, even when it died before its child began."""
        return int.from_bytes(self._memory[1:_SLOTS_AT])

    def write(self, note: Note) -> None:
        self.written = note
        content = _encode(note)
        count = (self._memory[0] + 1) % 256
        start = _SLOTS_AT + count % 2 * _SLOT_BYTES
        length = len(content)
        whole = length.to_bytes(_LENGTH_BYTES) + _RUNS + content
        self._memory[start : start + _HEAD_BYTES + length] = whole
        self._memory[0] = count

    def end_running(self) -> None:
        """Say that the delivery of the newest note runs no more: one byte, as it is said after each."""
        self._memory[_SLOTS_AT + self._memory[0] % 2 * _SLOT_BYTES + _LENGTH_BYTES] = 0

    def read(self) -> Note:
        """Give the newest whole note."""
        while True:
            count = self._memory[0]
            start = _SLOTS_AT + count % 2 * _SLOT_BYTES
            length = int.from_bytes(self._memory[start : start + _LENGTH_BYTES])
            content = self._memory[start + _HEAD_BYTES : start + _HEAD_BYTES + length]
            runs = self._memory[start + _LENGTH_BYTES]
            try:
                note = msgspec.json.decode(content, type=Note)
            except (msgspec.MsgspecError, UnicodeError):
                continue  # a living child wrote twice meanwhile
            if self._memory[0] == count:
                return note if runs else msgspec.structs.replace(note, running=None)

    def close(self) -> None:
        self._memory.close()
        os.close(self.descriptor)


class Announcer:
    """Notes on the page which delivery runs, beside the claim that is already there."""

    def __init__(self, page: SharedPage) -> None:
        self._page = page

    def __call__(self, running: Running | None) -> None:
        if running is None:
            self._page.end_running()
            return
        held = self._page.written
        self._page.write(
            Note(is_ready=True, lease=held.lease, replay=held.replay, queue=held.queue, running=running)
        )
