from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from eventlog.database import EventLog
from eventlog.heartbeats import SILENT_AFTER, beat, read_heartbeats, sign_off
from eventlog.instant import database_now_plus
from eventlog.tables import heartbeats


def set_back(log: EventLog, name: str, by: timedelta) -> None:
    with log.write() as connection:
        connection.execute(
            update(heartbeats)
            .where(heartbeats.c.name == name)
            .values(beat_at=database_now_plus(-by), started_at=database_now_plus(-by))
        )


def test_who_reported_is_alive(log: EventLog) -> None:
    assert read_heartbeats(log) == []
    beat(log, name="host:2", kind="worker")
    beat(log, name="host:1", kind="worker")
    beat(log, name="host:3", kind="clock")
    found = read_heartbeats(log)
    assert [(one.kind, one.name, one.is_alive) for one in found] == [
        ("clock", "host:3", True),
        ("worker", "host:1", True),
        ("worker", "host:2", True),
    ]
    assert all(abs(datetime.now(UTC) - one.started_at) < timedelta(seconds=30) for one in found)


def test_who_was_silent_for_too_long_is_not_alive_until_the_next_beat(log: EventLog) -> None:
    beat(log, name="silent", kind="worker")
    beat(log, name="slow", kind="worker")
    set_back(log, "silent", SILENT_AFTER + timedelta(seconds=1))
    set_back(log, "slow", SILENT_AFTER - timedelta(seconds=10))
    assert [(one.name, one.is_alive) for one in read_heartbeats(log)] == [("silent", False), ("slow", True)]
    before = read_heartbeats(log)[0]
    beat(log, name="silent", kind="worker")
    after = read_heartbeats(log)[0]
    assert after.is_alive
    assert after.started_at == before.started_at
    assert after.beat_at > before.beat_at


def test_who_signed_off_is_forgotten_and_so_is_who_vanished_long_ago(log: EventLog) -> None:
    for name in ("leaving", "vanished today", "vanished long ago", "living"):
        beat(log, name=name, kind="worker")
    set_back(log, "vanished today", timedelta(hours=23))
    set_back(log, "vanished long ago", timedelta(hours=25))
    sign_off(log, name="leaving")
    assert [one.name for one in read_heartbeats(log)] == ["living", "vanished today"]
    sign_off(log, name="never seen")
