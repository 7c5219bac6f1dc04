from datetime import timedelta

import pytest

from sandbox.state.conflict import Clash, NoSuchThing
from sandbox.state.memories import RECOVERABLE_FOR, Memories
from tests.sandbox.imitation import Clock, Imitation


@pytest.fixture
def api() -> Imitation:
    return Imitation()


@pytest.fixture
def memories(api: Imitation) -> Memories:
    return api.world.memories


@pytest.fixture
def clock(api: Imitation) -> Clock:
    return api.clock


def test_every_version_is_kept(memories: Memories) -> None:
    memories.store("m", content="one", tags=["a"])
    memories.update("m", {"content": "two"})
    memories.update("m", {"importance": "low"})
    kept = [(one.version, one.content, one.tags, one.importance) for one in memories.versions("m")]
    assert kept == [(1, "one", ("a",), "medium"), (2, "two", ("a",), "medium"), (3, "two", ("a",), "low")]


def test_a_deleted_memory_can_be_restored_for_30_days(memories: Memories, clock: Clock) -> None:
    memories.store("m", content="one")
    memories.delete("m")
    with pytest.raises(NoSuchThing):
        memories.get("m")
    clock.pass_by(RECOVERABLE_FOR.total_seconds())
    assert memories.restore("m").content == "one"
    assert memories.get("m").deleted_at is None


def test_after_30_days_it_is_gone(memories: Memories, clock: Clock) -> None:
    memories.store("m", content="one")
    memories.delete("m")
    clock.pass_by((RECOVERABLE_FOR + timedelta(seconds=1)).total_seconds())
    with pytest.raises(NoSuchThing):
        memories.restore("m")
    assert memories.versions("m") == ()


def test_the_id_of_a_deleted_memory_is_free_again(memories: Memories) -> None:
    memories.store("m", content="one")
    with pytest.raises(Clash):
        memories.store("m", content="two")
    memories.delete("m")
    assert memories.store("m", content="two").version == 1


def test_what_was_never_stored_is_no_memory(memories: Memories) -> None:
    for attempt in (memories.get, memories.delete, memories.restore):
        with pytest.raises(NoSuchThing):
            attempt("m")
