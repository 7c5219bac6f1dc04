from datetime import UTC, datetime, timedelta, timezone

import pytest

from clients.chucky.window import window_end


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ("hour", "2026-12-31T23:00:00+00:00", "2027-01-01T00:00:00+00:00"),
        ("day", "2028-02-28T00:00:00+00:00", "2028-02-29T00:00:00+00:00"),
        ("week", "2026-02-23T00:00:00+00:00", "2026-03-02T00:00:00+00:00"),
        ("month", "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"),
        ("month", "2026-12-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
        ("month", "2026-11-15T06:30:00+00:00", "2026-12-15T06:30:00+00:00"),
        ("month", "2026-01-31T00:00:00+00:00", "2026-02-28T00:00:00+00:00"),
        ("month", "2028-01-30T00:00:00+00:00", "2028-02-29T00:00:00+00:00"),
        ("month", "2026-02-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00"),
    ],
)
def test_a_window_ends_by_the_calendar(window: str, start: str, end: str) -> None:
    assert window_end(window, datetime.fromisoformat(start)) == datetime.fromisoformat(end)


def test_a_month_is_one_of_utc_wherever_its_start_was_written() -> None:
    start = datetime(2026, 2, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert window_end("month", start) == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("window", ["lifetime", "fortnight", "", None])
def test_other_windows_have_no_end(window: str | None) -> None:
    assert window_end(window, datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("window", ["hour", "day", "week", "month", "lifetime"])
def test_without_a_start_or_at_the_end_of_the_calendar_there_is_none(window: str) -> None:
    assert window_end(window, None) is None
    assert window_end(window, datetime(9999, 12, 31, 23, 59, tzinfo=UTC)) is None
    assert window_end(window, datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))) is None
