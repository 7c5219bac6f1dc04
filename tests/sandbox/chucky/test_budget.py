from datetime import UTC, datetime

import pytest

from sandbox.chucky.budget import Budgets, Ledger, start_of
from tests.sandbox.hand_clock import HandClock


@pytest.mark.parametrize(
    ("window", "start"),
    [
        ("hour", datetime(2026, 3, 1, 23, tzinfo=UTC)),
        ("day", datetime(2026, 3, 1, tzinfo=UTC)),
        ("week", datetime(2026, 2, 23, tzinfo=UTC)),  # a Monday
        ("month", datetime(2026, 3, 1, tzinfo=UTC)),
        ("lifetime", None),
    ],
)
def test_windows_begin_with_the_calendars_in_utc(window: str, start: datetime | None) -> None:
    assert start_of(window, datetime(2026, 3, 1, 23, 59, 59, 999, tzinfo=UTC)) == start


def test_a_lifetimes_budget_never_starts_anew() -> None:
    clock = HandClock()
    began = clock()
    ledger = Ledger(clock)
    ledger.set_budgets(Budgets(window="lifetime", ai_microdollars=1))
    ledger.charge("me", ai_microdollars=1, compute_seconds=0)
    clock.advance(days=4000)
    assert not ledger.is_allowed("me")
    assert ledger.window_start() == began


def test_another_window_keeps_what_was_used() -> None:
    ledger = Ledger(HandClock())
    ledger.charge("me", ai_microdollars=7, compute_seconds=1)
    for window in ("hour", "month", "lifetime", "day"):
        ledger.set_budgets(Budgets(window=window))
        assert ledger.figures("me")["ai"]["used"] == 7, window


def test_a_budget_of_nothing_allows_nothing() -> None:
    ledger = Ledger(HandClock())
    ledger.set_budgets(Budgets(ai_microdollars=0))
    assert not ledger.is_allowed("me")
    assert ledger.figures("me")["ai"] == {"used": 0, "remaining": 0, "budget": 0}
