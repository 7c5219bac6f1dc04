"""When a budget starts anew: the end of its window, by the calendar, UTC."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Final

LIFETIME: Final = "lifetime"
"""The window that never ends."""

_LENGTHS: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


def window_end(window: str | None, start: datetime | None) -> datetime | None:
    """Give when a window that started then ends; None where it never does, or can't be told."""
    if start is None:
        return None
    try:
        if window == "month":
            return _a_month_after(start.astimezone(UTC))
        return start.astimezone(UTC) + _LENGTHS[window] if window in _LENGTHS else None
    except (ValueError, OverflowError):  # at the end of the calendar
        return None


def _a_month_after(start: datetime) -> datetime:
    """Give the same day of the next month, or its last day where it is shorter."""
    year, month = start.year + start.month // 12, start.month % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))
