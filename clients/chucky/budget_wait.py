"""When a prompt that a budget refused may be sent again, from the budget's window as `/usage` tells it."""

from datetime import datetime, timedelta
from typing import Final

from .errors import DeveloperBudgetExhausted, UserBudgetExhausted
from .usage import Usage
from .window import LIFETIME

_UNKNOWN: Final = timedelta(hours=1)
"""Where the window's end can't be told, and the reply named no time."""
_SOONEST: Final = timedelta(minutes=1)
"""Where the window should be over by our clock, which may differ from Chucky's."""
_LONGEST: Final = timedelta(days=32)
"""A month, and what clocks may differ; a later end is a mistake."""


def name_wait(
    error: UserBudgetExhausted | DeveloperBudgetExhausted, usage: Usage | None, now: datetime
) -> None:
    """Have the error say when to try again, or that no repeat helps; `usage` is None where it is unknown."""
    if usage is not None and usage.window == LIFETIME:
        error.permanent = True
        error.retry_after = None
        error.args = (f"{error}; it is for the token's lifetime, and never starts anew", *error.args[1:])
        return
    end = None if usage is None else usage.window_end
    if end is not None and end - now <= _LONGEST:
        error.retry_after = max(end - now, _SOONEST).total_seconds()
    elif error.retry_after is None:
        error.retry_after = _UNKNOWN.total_seconds()
