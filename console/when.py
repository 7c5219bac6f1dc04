"""Points in time as people write them: a timestamp, a date, or how long ago."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

_AGE: Final = re.compile(r"(\d{1,9})\s*([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ALLOWED: Final = (
    "write a timestamp (2026-01-30T12:00:00Z), a date (2026-01-30), an age (15m, 2h, 3d, 1w) or now"
)


def parse_when(text: str, *, now: datetime) -> datetime:
    """Read a point in time, in UTC; without an offset it is local time, an age counts back from `now`.

    Raises ValueError, which says what is allowed.
    """
    wanted = text.strip()
    if wanted == "now":
        return now.astimezone(UTC)
    age = _AGE.fullmatch(wanted)
    try:
        if age is not None:
            return (now - timedelta(**{_UNITS[age[2]]: int(age[1])})).astimezone(UTC)
        return datetime.fromisoformat(wanted).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is too far away; {_ALLOWED}") from error
    except ValueError as error:
        raise ValueError(f"{text!r} is no point in time; {_ALLOWED}") from error


class When(click.ParamType[datetime]):
    """An option's value that is a point in time."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401
        if isinstance(value, datetime):
            return value
        try:
            return parse_when(str(value), now=datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)


WHEN: Final = When()
