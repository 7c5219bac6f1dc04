from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from eventlog.database import EventLog
from eventlog.instant import database_now, database_now_plus, microseconds
from eventlog.tables import heartbeats


def kept(log: EventLog, instant: datetime) -> datetime:
    with log.write() as connection:
        row = {"name": "n", "kind": "k", "started_at": instant, "beat_at": instant}
        connection.execute(heartbeats.insert(), row)
        found: datetime = connection.execute(select(heartbeats.c.started_at)).scalar_one()
    return found


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 1, 30, 12, 0, 0, 123456, UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ],
)
def test_an_instant_is_kept_to_the_microsecond(log: EventLog, instant: datetime) -> None:
    assert kept(log, instant) == instant


def test_an_instant_comes_back_in_utc(log: EventLog) -> None:
    found = kept(log, datetime(2026, 1, 30, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))))
    assert found.isoformat() == "2026-01-30T06:30:00+00:00"


def test_an_instant_without_a_time_zone_is_a_mistake(log: EventLog) -> None:
    with pytest.raises((TypeError, StatementError)):
        kept(log, datetime(2026, 1, 30, 12))  # noqa: DTZ001


def test_the_database_and_this_machine_agree_on_the_time(log: EventLog) -> None:
    before = datetime.now(UTC)
    with log.read() as connection:
        now = connection.execute(select(database_now())).scalar_one()
    # SQLite's clock is read in whole milliseconds, by way of a floating-point number of days.
    assert before - timedelta(milliseconds=2) <= now <= datetime.now(UTC) + timedelta(milliseconds=2)


def test_the_databases_clock_goes_on_within_a_transaction(log: EventLog) -> None:
    with log.write() as connection:
        first = connection.execute(select(database_now())).scalar_one()
        while connection.execute(select(database_now())).scalar_one() == first:
            assert datetime.now(UTC) < first + timedelta(seconds=10)


def test_a_delay_may_be_given_or_bound(log: EventLog) -> None:
    day = timedelta(days=1)
    given = select(database_now_plus(day) - database_now_plus(timedelta(0)))
    bound = select(database_now_plus("delay") - database_now_plus(timedelta(0)))
    with log.read() as connection:
        for difference in (
            connection.execute(given).scalar_one(),
            connection.execute(bound, {"delay": microseconds(day)}).scalar_one(),
        ):
            assert abs(difference - microseconds(day)) < 1_000_000


def test_a_duration_is_whole_microseconds() -> None:
    assert microseconds(timedelta(days=1, seconds=2, microseconds=3)) == 86_402_000_003
