"""Refused requests that wait to be written: bounded, and the oldest give way to the newest."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from receiver.rejection import Rejection
from receiver.token_bucket import TokenBucket

BURST: Final = 100
PER_SECOND: Final = 2.0
BURST_BYTES: Final = 4 * 1024 * 1024
BYTES_PER_SECOND: Final = 64 * 1024


class Allowance:
    """How many unsigned requests are kept at all: whoever sends them must not set the database to work."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._requests = TokenBucket(brim=BURST, per_second=PER_SECOND, clock=clock)
        self._bytes = TokenBucket(brim=BURST_BYTES, per_second=BYTES_PER_SECOND, clock=clock)

    def grants(self, rejection: Rejection) -> bool:
        # A body larger than the bucket may have all of it: the largest allowed must not be shut out for good.
        size = min(_size(rejection), BURST_BYTES)
        granted = self._requests.holds(1) and self._bytes.holds(size)
        if granted:
            self._requests.take(1)
            self._bytes.take(size)
        return granted


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One in the line, with how many of its kind were not let in before it."""

    rejection: Rejection
    not_kept: int


class RejectLine:
    """The line of one kind, the signed or the unsigned; who uses it must hold a lock."""

    def __init__(self, *, requests: int, bytes_: int, allowance: Allowance | None = None) -> None:
        self._capacity = requests
        self._capacity_bytes = bytes_
        self._allowance = allowance
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._not_kept = 0  # since the last one that was let in
        self.lost = 0
        """How many were not let in, or were pushed out, in all."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, rejection: Rejection) -> bool:
        """Line it up, unless there is no room or no allowance for it; tell which."""
        size = _size(rejection)
        has_room = self._capacity > 0 and size <= self._capacity_bytes
        if not has_room or (self._allowance is not None and not self._allowance.grants(rejection)):
            self._lose(carried=0)
            return False
        while self._waiting and (
            len(self._waiting) >= self._capacity or self._bytes + size > self._capacity_bytes
        ):
            self._lose(carried=self._pop().not_kept)
        self._waiting.append(Waiting(rejection=rejection, not_kept=self._not_kept))
        self._bytes += size
        self._not_kept = 0
        return True

    def take(self, *, requests: int, bytes_: int) -> list[Waiting]:
        """Take out the oldest, about as many as that, and at least one where there is one."""
        batch: list[Waiting] = []
        size = 0
        while self._waiting and len(batch) < requests and (not batch or size < bytes_):
            batch.append(self._pop())
            size += _size(batch[-1].rejection)
        return batch

    def put_back(self, batch: list[Waiting]) -> None:
        """Line those up again that could not be written; what came meanwhile may have taken their room."""
        for waiting in reversed(batch):
            size = _size(waiting.rejection)
            if len(self._waiting) >= self._capacity or self._bytes + size > self._capacity_bytes:
                self._lose(carried=waiting.not_kept)
            else:
                self._waiting.appendleft(waiting)
                self._bytes += size

    def _lose(self, *, carried: int) -> None:
        self._not_kept += 1 + carried
        self.lost += 1

    def _pop(self) -> Waiting:
        waiting = self._waiting.popleft()
        self._bytes -= _size(waiting.rejection)
        return waiting


def _size(rejection: Rejection) -> int:
    return len(rejection.body or b"")
