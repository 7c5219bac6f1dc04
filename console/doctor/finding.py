"""What a check found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """Works, but not as it should."""
    PROBLEM = "problem"
    """Does not work; `hooks doctor` ends with exit code 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is as it should be, or is not."""

    check: str
    level: Level
    message: str
    todo: str | None = None
    """What to do about it."""


def ok(check: str, message: str) -> Finding:
    return Finding(check=check, level=Level.OK, message=message)


def warning(check: str, message: str, todo: str) -> Finding:
    return Finding(check=check, level=Level.WARNING, message=message, todo=todo)


def problem(check: str, message: str, todo: str) -> Finding:
    return Finding(check=check, level=Level.PROBLEM, message=message, todo=todo)
