"""Rows of a log that has been in use for months: types, subjects, states, handlers, failures and times."""

import base64
import bisect
import hashlib
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.fill.failing import Trouble, make_troubles
from benchmarks.load.payload import event_id

# Columns in the order of the rows' values.
EVENT_COLUMNS: Final = (
    *("seq", "id", "type", "subject", "created_at", "received_at"),
    *("body_sha256", "state", "lease", "due_at", "seen"),
)
BODY_COLUMNS: Final = ("event_seq", "sha256", "received_at", "body")
DELIVERY_COLUMNS: Final = (
    *("id", "event_seq", "handler", "replay", "state", "attempts", "failures"),
    *("started_at", "duration_us", "due_at", "version"),
)
FAILURE_COLUMNS: Final = (
    *("id", "event_seq", "handler", "replay", "attempt", "failed_at"),
    *("error_type", "message", "traceback", "fingerprint", "version"),
)

VERSION: Final = "3f9a1c0d5e7b"
DAYS: Final = 90
_DAY: Final = 86_400_000_000
_TYPES: Final = {
    "memory.stored": 50,
    "memory.updated": 15,
    "memory.deleted": 3,
    "agent.started": 10,
    "agent.completed": 9,
    "agent.failed": 1,
    "project.updated": 8,
    "usage.threshold": 1,
    "webhook.test": 3,
}
_SUBJECT_FIELD: Final = {"memory": "memoryId", "agent": "agentId", "project": "projectId"}
_SUBJECTS: Final = {"memory": 200_000, "agent": 20_000, "project": 500}
_HANDLERS: Final = {"memory": ("mirror",), "agent": ("report",), "project": ("history",), "usage": ("alert",)}
_STATES: Final = {"done": 970, "dead": 10, "resolved": 4, "skipped": 14, "waiting": 2}
_FLAKY: Final = 0.01
"""Of those that are done so many failed once before."""
_DUPLICATED: Final = 0.01


@dataclass(slots=True, kw_only=True)
class Rows:
    """Some rows of each table, in the order of their keys."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    bodies: list[tuple[Any, ...]] = field(default_factory=list)
    deliveries: list[tuple[Any, ...]] = field(default_factory=list)
    failures: list[tuple[Any, ...]] = field(default_factory=list)


class History:
    """Makes the rows of so many events, the oldest first; the same for the same seed."""

    def __init__(self, events: int, *, now_us: int, seed: int = 1, body_bytes: int = 300) -> None:
        """`now_us` is when the last event arrives, in microseconds since 1970."""
        self._events = events
        self._now = now_us
        self._random = random.Random(seed)
        self._types = _Weighted(_TYPES)
        self._states = _Weighted(_STATES)
        self._troubles = make_troubles(self._random)
        self._text = base64.b64encode(self._random.randbytes(65_536)).decode()
        self._body_bytes = body_bytes
        self._delivery_ids = itertools.count(1)
        self._failure_ids = itertools.count(1)

    def chunks(self, size: int = 20_000) -> Iterator[Rows]:
        for start in range(0, self._events, size):
            rows = Rows()
            for seq in range(start + 1, min(start + size, self._events) + 1):
                self._add(rows, seq)
            yield rows

    def _add(self, rows: Rows, seq: int) -> None:
        chance = self._random.random
        type_ = self._types.at(chance())
        family = type_.partition(".")[0]
        received = self._now - (self._events - seq) * DAYS * _DAY // self._events
        created = received - int(chance() * 2_000_000)
        its_id = event_id("history", seq)
        subject = self._subject(family, chance())
        body = self._body(its_id, type_, family, subject, created)
        digest = hashlib.sha256(body).digest()
        handlers = _HANDLERS.get(family, ())
        if type_ in ("agent.failed", "usage.threshold"):
            handlers = (*handlers, "audit")
        state = self._states.at(chance()) if handlers else "unhandled"
        due = self._now + _DAY if state == "waiting" else None
        seen = 2 if chance() < _DUPLICATED else 1
        rows.events.append((seq, its_id, type_, subject, created, received, digest, state, None, due, seen))
        rows.bodies.append((seq, digest, received, body))
        for place, handler in enumerate(handlers):
            # What an event's first handler came to is what the event came to.
            came_to = state if place == 0 or state == "skipped" else "done"
            self._add_delivery(rows, seq, handler, came_to, received)

    def _add_delivery(self, rows: Rows, seq: int, handler: str, state: str, received: int) -> None:
        chance = self._random.random
        failed = {"dead": 3, "resolved": 3, "waiting": 1}.get(state, int(chance() < _FLAKY))
        attempts = failed + (state in ("done", "skipped"))
        started = received + 20_000 + failed * 60_000_000
        due = self._now + _DAY if state == "waiting" else None
        duration = int(500 + chance() ** 4 * 2_000_000)
        rows.deliveries.append(
            (
                *(next(self._delivery_ids), seq, handler, 0, state),
                *(attempts, failed, started, duration, due, VERSION),
            )
        )
        if failed:
            trouble = self._trouble(handler)
            for attempt in range(1, failed + 1):
                rows.failures.append(
                    (
                        *(next(self._failure_ids), seq, handler, 0, attempt, received + attempt * 30_000_000),
                        *(trouble.error_type, trouble.message, trouble.traceback),
                        *(trouble.fingerprint, VERSION),
                    )
                )

    def _trouble(self, handler: str) -> Trouble:
        known: Sequence[Trouble] = self._troubles[handler]
        return known[int(self._random.random() ** 3 * len(known))]

    @staticmethod
    def _subject(family: str, chance: float) -> str | None:
        number = _SUBJECTS.get(family)
        # A few subjects have most of the events.
        return f"{family}-{int(chance**4 * number)}" if number else None

    def _body(self, its_id: str, type_: str, family: str, subject: str | None, created: int) -> bytes:
        about = f'"{_SUBJECT_FIELD[family]}":"{subject}",' if subject else ""
        head = (
            f'{{"id":"{its_id}","type":"{type_}","createdAt":{created // 1_000_000},'
            f'"data":{{{about}"content":"'
        )
        start = created % 60_000
        return f'{head}{self._text[start : start + max(0, self._body_bytes - len(head) - 3)]}"}}}}'.encode()


class _Weighted:
    """Values by weight."""

    def __init__(self, weights: dict[str, int]) -> None:
        total = sum(weights.values())
        self._values = tuple(weights)
        self._ends = [end / total for end in itertools.accumulate(weights.values())]

    def at(self, chance: float) -> str:
        """Give the value at a place between 0 and 1."""
        return self._values[min(bisect.bisect_right(self._ends, chance), len(self._values) - 1)]
