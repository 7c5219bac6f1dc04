"""How much memory a worker may use, and how much it does."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Final

import psutil

MIB: Final = 1024 * 1024
GROWN_EXIT: Final = 80
"""The exit code of a child that made room for a new one, because it had grown."""

_GROUPS: Final = Path("/sys/fs/cgroup")
_FAMILY_EVERY_SECONDS: Final = 1.0


def granted_bytes(own_groups: Path = Path("/proc/self/cgroup"), groups: Path = _GROUPS) -> int:
    """Give what the machine has, or the least that a cgroup around this process grants (Linux, v1 and v2)."""
    return min([psutil.virtual_memory().total, *_cgroup_limits(own_groups, groups)])


def _cgroup_limits(own_groups: Path, groups: Path) -> Iterator[int]:
    try:
        lines = own_groups.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root, name = (
            (groups, "memory.max") if not controllers else (groups / "memory", "memory.limit_in_bytes")
        )
        # In a container the path is often the host's, and only the root is there to be read.
        own = root / path.lstrip("/")
        for folder in [own, *own.parents]:
            if folder == root or root in folder.parents:
                yield from _limit_in(folder / name)


def _limit_in(file: Path) -> Iterator[int]:
    try:
        yield int(file.read_text())
    except (OSError, ValueError):  # "max": no limit
        return


class Growth:
    """How far this process has grown since its handlers were loaded."""

    def __init__(self, limit_bytes: int) -> None:
        self._process = psutil.Process()
        at_start = self._process.memory_info().rss
        self._most = at_start + max(limit_bytes - at_start, 0) // 2

    def is_too_much(self) -> bool:
        """Tell whether it came half of the way to its limit."""
        return bool(self._process.memory_info().rss > self._most)


class MemoryWatch:
    """Looks at another process, and at all that it started."""

    def __init__(self, pid: int, limit_bytes: int) -> None:
        self._pid = pid
        self._limit = limit_bytes
        self._family: list[psutil.Process] = []
        self._family_seen_at = float("-inf")

    def is_over(self) -> bool:
        try:
            members = [psutil.Process(self._pid), *self._descendants()]
        except psutil.Error:
            return False  # it has just ended
        if sum(map(_resident, members)) <= self._limit:
            return False
        # Forks share most of their pages: these are counted once, by a slower look.
        return sum(map(_share, members)) > self._limit

    def _descendants(self) -> list[psutil.Process]:
        # Finding them means to look at every process of the machine.
        now = monotonic()
        if now - self._family_seen_at > _FAMILY_EVERY_SECONDS:
            self._family = psutil.Process(self._pid).children(recursive=True)
            self._family_seen_at = now
        return self._family


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _share(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.Error:
        return _resident(process)
    return int(getattr(full, "pss", 0) or full.rss)
