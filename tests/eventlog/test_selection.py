from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta, timezone
from json import dumps, loads

import pytest
from sqlalchemy import select, text

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.last_run import LastRun, Present
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import events
from tests.eventlog.stored import accept, an_event, replay, run


def selected(log: EventLog, selection: Selection) -> list[str]:
    query = select(events.c.id).where(*selection.conditions()).order_by(events.c.seq)
    with log.read() as connection:
        return list(connection.execute(query).scalars())


TYPES = [
    "memory",
    "memory.stored",
    "memory.",
    "memory.\U0010ffff",
    "memory.é",
    "memory-x",
    "Memory.stored",
    "memoryX",
    "memory_x.y",
    "agent.failed",
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("memory.*", ["memory.stored", "memory.", "memory.\U0010ffff", "memory.é"]),
        ("memory_x.*", ["memory_x.y"]),
        ("mem%.*", []),
        ("memory", ["memory"]),
        ("memory.stored", ["memory.stored"]),
        ("memory.s*", []),
        ("agent.*", ["agent.failed"]),
        ("*", TYPES),
    ],
)
def test_a_type_is_exact_or_a_family(log: EventLog, wanted: str, found: list[str]) -> None:
    for number, event_type in enumerate(TYPES):
        record(log, [an_event(str(number), event_type)])
    assert [TYPES[int(event_id)] for event_id in selected(log, Selection(type=wanted))] == found


def test_a_family_is_looked_up_in_the_index_on_sqlite(sqlite_log: EventLog) -> None:
    query = select(events.c.id).where(*Selection(type="memory.*").conditions())
    with sqlite_log.read() as connection:
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = str(connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}".replace(":", "\\:"))).all())
    assert "ix_events_type_seq (type>? AND type<?)" in plan


def test_times_are_from_and_up_to_but_not_including(log: EventLog) -> None:
    noon = datetime(2026, 1, 30, 12, tzinfo=UTC)
    for number in range(3):
        record(log, [changed(an_event(str(number)), received_at=noon + timedelta(microseconds=number))])
    middle = noon + timedelta(microseconds=1)
    assert selected(log, Selection(since=middle)) == ["1", "2"]
    assert selected(log, Selection(until=middle)) == ["0"]
    assert selected(log, Selection(since=middle, until=middle)) == []
    elsewhere = middle.astimezone(timezone(timedelta(hours=-7)))
    assert selected(log, Selection(since=elsewhere)) == ["1", "2"]


def test_all_conditions_given_must_apply(log: EventLog) -> None:
    record(log, [an_event("a", subject="m1"), an_event("b", subject="m2"), an_event("c", "x", subject="m1")])
    assert selected(log, Selection()) == ["a", "b", "c"]
    assert selected(log, Selection(subject="m1")) == ["a", "c"]
    assert selected(log, Selection(subject="m1", type="memory.*")) == ["a"]
    assert selected(log, Selection(subject="m1", type="memory.*", ids=("b", "c"))) == []
    assert selected(log, Selection(ids=("c", "unknown", "a"))) == ["a", "c"]


def test_a_state_is_the_events_or_with_a_handler_that_of_its_delivery(log: EventLog) -> None:
    accept(log, "mixed", "done", "queued")
    run(log, "mixed", {"good": State.DONE, "bad": State.DEAD})
    run(log, "done", {"good": State.DONE})
    assert selected(log, Selection(state=State.DEAD)) == ["mixed"]
    assert selected(log, Selection(state=State.QUEUED)) == ["queued"]
    assert selected(log, Selection(handler="good")) == ["mixed", "done"]
    assert selected(log, Selection(handler="good", state=State.DONE)) == ["mixed", "done"]
    assert selected(log, Selection(handler="good", state=State.DEAD)) == []
    assert selected(log, Selection(handler="unknown")) == []


def test_a_handler_that_ran_in_a_replay_only_is_found_too(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"good": State.DONE})
    replay(log, "evt_1", "later")
    assert selected(log, Selection(handler="later")) == ["evt_1"]


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(ids=("a", "b")),
        Selection(
            type="memory.*",
            state=State.DEAD,
            subject="m1",
            since=datetime(2026, 1, 30, 12, 0, 0, 7, UTC),
            until=datetime(2026, 1, 31, tzinfo=timezone(timedelta(hours=2))),
            handler="h",
        ),
        Selection(type="x", last_run=LastRun(version="abcdef", fingerprint="0" * 16, dead=True)),
        Selection(last_run=LastRun(fixed_in=Present(versions={"h": "abcdef123456"}, release="r2"))),
    ],
)
def test_a_selection_survives_being_stored(selection: Selection) -> None:
    assert Selection.from_json(loads(dumps(selection.to_json()))) == selection


def test_what_a_later_release_stored_beside_it_is_passed_over() -> None:
    assert Selection.from_json({"type": "x", "weather": "fine"}) == Selection(type="x")
