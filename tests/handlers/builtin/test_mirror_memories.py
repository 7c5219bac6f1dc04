"""The mirror of memories, in a table and in a file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eventlog.mirrored_memories import read_mirrored_memory
from handlers import Event
from handlers.builtin.mirror_memories import mirror_memories, router
from handlers.outcome import Dead, Skipped, Succeeded
from handlers.testing import Run, make_event, run
from hooks_testkit import FakeChaozCode
from hooks_testkit.path import EventPath

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)


def stored(memory_id: str = "m1", *, after: float = 0, kind: str = "memory.stored") -> Event:
    return make_event(kind, memoryId=memory_id, created_at=NOON + timedelta(seconds=after))


def content_of(result: Run, memory_id: str = "m1") -> str | None:
    with result.session() as session:
        found = read_mirrored_memory(session, memory_id)
    assert found is not None
    assert (found.deleted_at is None) == (found.memory is not None)
    return found.content


def test_a_memory_is_stored_changed_and_deleted(chaozcode: FakeChaozCode, database_url: str) -> None:
    memory = chaozcode.client.memory
    memory.store("m1", "first\0\u2665")
    result = run(mirror_memories, stored(), chaozcode=chaozcode, database=database_url)
    assert result.outcome == Succeeded()
    assert content_of(result) == "first\ufffd\u2665"
    memory.update("m1", content="second")
    result = run(
        mirror_memories, stored(after=1, kind="memory.updated"), chaozcode=chaozcode, database=database_url
    )
    assert content_of(result) == "second"
    memory.delete("m1")
    result = run(mirror_memories, stored(after=2, kind="memory.deleted"), database=database_url)
    assert content_of(result) is None


@pytest.mark.parametrize("place", ["table", "memories.jsonl"])
def test_events_in_any_order_leave_the_newest_state(
    chaozcode: FakeChaozCode, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKS_MIRROR_MEMORIES", place)
    chaozcode.client.memory.store("m1", "content")
    path = EventPath(router, chaozcode=chaozcode)
    for after, kind in ((2, "memory.deleted"), (0, "memory.stored"), (1, "memory.updated")):
        assert path.deliver(stored(after=after, kind=kind)).state == "done"
    if place == "table":
        with path.session() as session:
            found = read_mirrored_memory(session, "m1")
        assert found is not None
        assert found.deleted_at == NOON + timedelta(seconds=2)
    else:
        (line,) = (tmp_path / place).read_text().splitlines()
        assert json.loads(line)["deleted"] is True


def test_what_was_deleted_since_its_event_is_mirrored_as_deleted(chaozcode: FakeChaozCode) -> None:
    assert content_of(run(mirror_memories, stored(), chaozcode=chaozcode)) is None


def test_a_404_that_is_none_of_the_api_deletes_nothing(chaozcode: FakeChaozCode) -> None:
    """As where `CHAOZCODE_API_URL` leads elsewhere."""
    chaozcode.answers("/memory/m1", "no such page", status=404)
    result = run(mirror_memories, stored(), chaozcode=chaozcode)
    assert isinstance(result.outcome, Dead)
    assert result.outcome.error.error_type == "clients.chaozcode.errors.NotFound"


def test_a_file_has_one_line_for_each_event_however_often_it_runs(
    chaozcode: FakeChaozCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mirror" / "memories.jsonl"
    monkeypatch.setenv("HOOKS_MIRROR_MEMORIES", str(file))
    chaozcode.client.memory.store("m1", "content")
    path = EventPath(router, chaozcode=chaozcode)
    event = stored()
    path.send(event)
    assert path.work_until_killed(before_record=1)  # when the line is written, and nothing on record
    path.settle()
    assert path.replay(event).delivery("mirror_memories", replay=1).state == "done"
    (line,) = map(json.loads, file.read_text().splitlines())
    assert (line["memoryId"], line["event"], line["at"]) == (
        "m1",
        event.id,
        "2026-01-30T12:00:00.000000+00:00",
    )
    assert line["memory"]["content"] == "content"


def test_what_it_mirrors_makes_no_events(chaozcode: FakeChaozCode) -> None:
    chaozcode.client.memory.store("m1", "content")
    run(mirror_memories, stored(), chaozcode=chaozcode)
    assert {call.method for call in chaozcode.calls} == {"GET"}


def test_an_event_without_a_memory_is_skipped_and_a_missing_key_named() -> None:
    assert run(mirror_memories, make_event("memory.stored")).outcome == Skipped("the event names no memory")
    assert isinstance(run(mirror_memories, stored(), failures=5).outcome, Dead)
