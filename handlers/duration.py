"""A length of time as users give it, a timedelta or a number of seconds, checked."""

from datetime import timedelta
from typing import Final

LONGEST: Final = timedelta(days=366)
"""Longer ones are mistakes, such as milliseconds or a date; they would also overflow a datetime."""


def duration(value: object) -> timedelta:
    """Return the value as a timedelta from 0 to `LONGEST`; ValueError for all else."""
    if isinstance(value, timedelta):
        seconds: float = value.total_seconds()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value
    else:
        raise ValueError(  # noqa: TRY004 - one error for whatever a user may give
            f"{value!r} is no length of time: give a timedelta or a number of seconds"
        )
    if not 0 <= seconds <= LONGEST.total_seconds():  # NaN fails this too
        raise ValueError(f"{value!r} is not between 0 and {LONGEST.days} days")
    return value if isinstance(value, timedelta) else timedelta(seconds=seconds)


def in_words(length: timedelta) -> str:
    """Write a length of time exactly, in the largest unit of which it is a whole number."""
    seconds = length.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:.10g} s"
