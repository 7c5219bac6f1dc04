"""What a check found, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from console.visible import visible_line

_NAMED: Final = 5


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """Works, but not as it should."""
    PROBLEM = "problem"
    """Does not work; `hooks doctor` ends with exit code 1."""
    MENDED = "mended"
    """Was not as it should be, and now is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is as it should be, or is not."""

    check: str
    level: Level
    message: str
    todo: str | None = None
    """What to do about it."""
    ids: tuple[str, ...] = ()
    """What it is about, by name: the first thousand."""


def ok(check: str, message: str) -> Finding:
    return Finding(check=check, level=Level.OK, message=message)


def warning(check: str, message: str, todo: str, ids: Sequence[str] = ()) -> Finding:
    return Finding(check=check, level=Level.WARNING, message=message, todo=todo, ids=tuple(ids))


def problem(check: str, message: str, todo: str, ids: Sequence[str] = ()) -> Finding:
    return Finding(check=check, level=Level.PROBLEM, message=message, todo=todo, ids=tuple(ids))


def mended(check: str, message: str, ids: Sequence[str] = ()) -> Finding:
    return Finding(check=check, level=Level.MENDED, message=message, ids=tuple(ids))


def naming(ids: Sequence[str]) -> str:
    """Write the first few, as one line that is safe to show."""
    names = ", ".join(visible_line(each) for each in ids[:_NAMED])
    return f"{names}, ..." if len(ids) > _NAMED else names
