"""Faults on demand: what is to go wrong, where, how often."""

import threading
from collections.abc import Container
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Final, Literal, get_args

ReplyFault = Literal["delay", "429", "500", "503", "cut"]
WebhookFault = Literal["duplicate", "reorder", "bad_signature"]

REPLY_FAULTS: Final[tuple[str, ...]] = get_args(ReplyFault)
WEBHOOK_FAULTS: Final[tuple[str, ...]] = get_args(WebhookFault)
_MOST_FAULTS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is to go wrong."""

    id: str
    kind: str
    matching: str
    """A pattern of paths for what befalls replies, of event types for what befalls webhooks."""
    method: str | None
    left: int | None
    """How many more times; None without an end."""
    probability: float
    seconds: float
    """How long a delay is, a reordered webhook is held back, and a 429 or 503 asks to wait."""
    after: int | None
    """How much of a reply goes out before it is cut: events of a stream (None: one), bytes of any other reply
    (None: half). Of 0 not even the head."""

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "fault": self.kind,
            ("event" if self.kind in WEBHOOK_FAULTS else "path"): self.matching,
            "method": self.method,
            "count": self.left,
            "probability": self.probability,
            "seconds": self.seconds,
            "after": self.after,
        }


class Faults:
    """The faults that are set, for any number of threads."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._turn = threading.Lock()
        self._set: dict[str, Fault] = {}
        self._number = 0

    def add(
        self,
        kind: str,
        *,
        matching: str = "*",
        method: str | None = None,
        count: int | None = 1,
        probability: float = 1.0,
        seconds: float = 1.0,
        after: int | None = None,
    ) -> Fault:
        """Set a fault; the oldest goes where there are too many."""
        with self._turn:
            self._number += 1
            fault = Fault(
                id=f"fault_{self._number}",
                kind=kind,
                matching=matching,
                method=method,
                left=count,
                probability=probability,
                seconds=seconds,
                after=after,
            )
            if len(self._set) >= _MOST_FAULTS:
                del self._set[next(iter(self._set))]
            self._set[fault.id] = fault
        return fault

    def listed(self) -> list[Fault]:
        with self._turn:
            return list(self._set.values())

    def remove(self, fault_id: str) -> bool:
        with self._turn:
            return self._set.pop(fault_id, None) is not None

    def clear(self) -> None:
        with self._turn:
            self._set.clear()

    def draw(self, kinds: Container[str], subject: str, method: str | None = None) -> Fault | None:
        """Give the first fault of these kinds that befalls this path or event type now, and use it up."""
        with self._turn:
            return next(
                (
                    fault
                    for fault in list(self._set.values())
                    if fault.kind in kinds and self._happens(fault, subject, method)
                ),
                None,
            )

    def _happens(self, fault: Fault, subject: str, method: str | None) -> bool:
        if not fnmatchcase(subject, fault.matching) or (fault.method and fault.method != method):
            return False
        if self._chance.random() >= fault.probability:
            return False
        if fault.left is not None:
            if fault.left > 1:
                self._set[fault.id] = replace(fault, left=fault.left - 1)
            else:
                del self._set[fault.id]
        return True
