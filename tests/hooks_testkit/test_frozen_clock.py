from datetime import UTC, datetime, timedelta, timezone

import pytest

from hooks_testkit.frozen_clock import FrozenClock


def test_it_stands_still_until_it_is_moved() -> None:
    clock = FrozenClock(datetime(2026, 1, 30, 13, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == clock.now() == datetime(2026, 1, 30, 12, tzinfo=UTC)
    assert clock.now().utcoffset() == timedelta(0)
    clock.sleep(1.5)
    clock.move(timedelta(minutes=1))
    assert clock.now() == datetime(2026, 1, 30, 12, 1, 1, 500_000, tzinfo=UTC)


def test_it_starts_at_the_present_second() -> None:
    before = datetime.now(UTC)
    started = FrozenClock().now()
    assert before - timedelta(seconds=1) < started <= datetime.now(UTC)


def test_it_goes_forward_only_and_knows_its_zone() -> None:
    with pytest.raises(ValueError, match="can't be set back"):
        FrozenClock().sleep(-1)
    with pytest.raises(ValueError, match="give an aware datetime"):
        FrozenClock(datetime(2026, 1, 30))  # noqa: DTZ001
