"""Looks at what runs under load: how much is unfinished, and how much memory each process holds."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

_GROWN_EVENTS: Final = 1_000
"""So much a backlog may differ between the halves of a run, whatever the rate."""
_GROWN_SECONDS: Final = 1.0
_HELD: Final = 0.98
_GROWN_SHARE: Final = 1.1
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen at one moment."""

    backlog: int
    memory_bytes: Mapping[str, int]
    """By process."""

    @property
    def whole_memory_bytes(self) -> int:
        return sum(self.memory_bytes.values())


class Watch:
    """A thread that looks every other second; what goes wrong in it is raised at the end."""

    def __init__(self, look: Callable[[], Look], *, every_seconds: float = 2.0) -> None:
        self._look = look
        self._every_seconds = every_seconds
        self._looks: list[Look] = []
        self._failure: Exception | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[Look]:
        """Look once more; gives all that was seen."""
        self._over.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._looks

    def _watch(self) -> None:
        try:
            while True:
                self._looks.append(self._look())
                if self._over.wait(self._every_seconds):
                    self._looks.append(self._look())
                    return
        except Exception as error:  # noqa: BLE001 - raised in the driver's own thread
            self._failure = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a run went, from its beginning to its end."""

    backlogs: tuple[float, float]
    """The medians of the first and the second half."""
    most_backlog: int
    memory: tuple[Look, Look, Look]
    """Near the start, when everything has run once; in the middle; at the end."""


def course_of(looks: Sequence[Look]) -> Course:
    if not looks:
        raise ValueError("nothing was looked at")
    half = max(1, len(looks) // 2)
    first, second = looks[:half], looks[half:] or looks[-1:]
    return Course(
        backlogs=(median(look.backlog for look in first), median(look.backlog for look in second)),
        most_backlog=max(look.backlog for look in looks),
        memory=(looks[len(looks) // 10], looks[len(looks) // 2], looks[-1]),
    )


def judge(course: Course, *, asked: float, rate: float) -> list[str]:
    """Say in sentences whether the rate was held, and the backlog and the memory did not grow."""
    held = rate >= _HELD * asked
    first, second = course.backlogs
    grew = second - first > max(_GROWN_EVENTS, _GROWN_SECONDS * asked)
    early, _, late = (look.whole_memory_bytes for look in course.memory)
    swelled = late > _GROWN_SHARE * early
    taken = f"{rate:,.0f} of {asked:,.0f} events a second were taken"
    backlog = f"unfinished: {first:,.0f} events in the first half, {second:,.0f} in the second (medians)"
    return [
        taken if held else f"THE RATE WAS NOT HELD: {taken}",
        f"{'THE BACKLOG GREW: ' if grew else ''}{backlog}, {course.most_backlog:,} at most",
        f"{'THE MEMORY GREW: ' if swelled else ''}{_memory(course)}",
    ]


def _memory(course: Course) -> str:
    parts = []
    for name in course.memory[0].memory_bytes:
        sizes = (f"{look.memory_bytes.get(name, 0) / _MIB:.0f}" for look in course.memory)
        parts.append(f"{name} {', '.join(sizes)}")
    return f"MiB resident near the start, in the middle, at the end: {'; '.join(parts)}"
