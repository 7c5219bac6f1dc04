"""The newest state of each memory."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from eventlog.in_memory import InMemoryLog
from eventlog.mirrored_memories import MirroredMemory, mirror_memory, read_mirrored_memory
from eventlog.rehearsal import open_session

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
STORED = MirroredMemory(
    memory_id="m1", content="x", memory={"id": "m1"}, deleted_at=None, as_of=NOON, event_id="evt_1"
)


def test_a_newer_state_takes_the_place_of_an_older_one_and_never_the_other_way_round() -> None:
    later = NOON + timedelta(seconds=1)
    deleted = replace(STORED, content=None, memory=None, deleted_at=later, as_of=later, event_id="evt_2")
    log = InMemoryLog()
    with open_session(log) as session:
        assert read_mirrored_memory(session, "m1") is None
        assert mirror_memory(session, STORED)
        assert read_mirrored_memory(session, "m1") == STORED
        assert mirror_memory(session, deleted)
        assert not mirror_memory(session, STORED)
        assert read_mirrored_memory(session, "m1") == deleted
        assert mirror_memory(session, deleted)
    log.close()
