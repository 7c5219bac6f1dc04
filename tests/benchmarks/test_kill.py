import hashlib

import pytest
from sqlalchemy import update

from benchmarks.load.witness import Record
from benchmarks.scenarios.kill import read_digests, require_bytes, require_kept
from benchmarks.store import CountsDiffer, store_events
from eventlog.database import EventLog
from eventlog.schema import upgrade
from eventlog.tables import bodies


def seen() -> Record:
    record = Record()
    record.digests = {"a": b"1", "b": b"2", "c": b"3"}
    record.acknowledged = {"a", "b"}
    return record


def test_what_was_acknowledged_and_what_was_stored_without_an_answer_is_as_it_should_be() -> None:
    require_kept(seen(), {"a": b"1", "b": b"2"})
    require_kept(seen(), {"a": b"1", "b": b"2", "c": b"3"})


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ({"a": b"1"}, "1 were acknowledged and are not in the log as sent: \\['b'\\]"),
        ({"a": b"1", "b": b"x"}, "1 were acknowledged and are not in the log as sent: \\['b'\\]"),
        ({"a": b"1", "b": b"2", "z": b"9"}, "1 are in the log and were never sent: \\['z'\\]"),
        ({"a": b"1", "b": b"2", "c": b"9"}, "1 are in the log with another body than was sent: \\['c'\\]"),
    ],
)
def test_whatever_differs_is_told(kept: dict[str, bytes], told: str) -> None:
    with pytest.raises(CountsDiffer, match=told):
        require_kept(seen(), kept)


def test_stored_bytes_are_held_against_their_digests(database_url: str) -> None:
    log = EventLog.open(database_url)
    try:
        upgrade(log)
        store_events(log, "run", 3)
        require_bytes(log)
        assert len(read_digests(log)) == 3
        with log.write() as connection:
            connection.execute(update(bodies).where(bodies.c.event_seq == 2).values(body=b"{}"))
        with pytest.raises(CountsDiffer, match="is not the one that was acknowledged"):
            require_bytes(log)
        with log.write() as connection:
            other = hashlib.sha256(b"{}").digest()
            connection.execute(update(bodies).where(bodies.c.event_seq == 2).values(sha256=other))
        with pytest.raises(CountsDiffer, match="is not the one that was acknowledged"):
            require_bytes(log)
    finally:
        log.close()
