"""Which handlers are given an event again, told by the last run: preview and feed must say the same."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select

from eventlog.database import EventLog
from eventlog.last_run import LastRun, Present
from eventlog.replay_feed import feed
from eventlog.replay_preview import preview
from eventlog.replays import cancel, create, read_replay
from eventlog.selection import Selection
from eventlog.states import State
from eventlog.tables import deliveries, events
from tests.eventlog.feeding import choose, feed_all
from tests.eventlog.repeating import BOOM, NEW, OLD, OTHER, ran
from tests.eventlog.stored import accept

H = {"h": ["*"]}


def pairs(
    log: EventLog,
    last_run: LastRun,
    handlers: Mapping[str, Sequence[str]] = H,
    *,
    turn: int = 10,
    only_failed: bool = False,
    **filters: object,
) -> list[tuple[str, str]]:
    """Ask the preview, feed a replay, and give the deliveries that it made: both must agree."""
    selection = Selection(last_run=last_run, **filters)  # type: ignore[arg-type]
    foreseen = preview(log, selection, handlers, only_failed=only_failed, listed=1000)
    number = create(log, selection=selection, handlers=handlers, only_failed=only_failed, who="a test")
    feed_all(log, number, turn)
    query = (
        select(events.c.id, deliveries.c.handler)
        .join(deliveries, deliveries.c.event_seq == events.c.seq)
        .where(deliveries.c.replay == number)
        .order_by(events.c.seq, deliveries.c.handler)
    )
    with log.read() as connection:
        made = [(row.id, row.handler) for row in connection.execute(query)]
    listed = [(event.id, handler) for event in foreseen.first for handler in sorted(event.handlers or ())]
    assert listed == made
    assert (foreseen.wanted, foreseen.deliveries) == (len({one for one, _ in made}), len(made))
    replay = read_replay(log, number)
    assert replay
    assert (replay.fed, replay.events, replay.passed_over) == (len(made), foreseen.wanted, 0)
    assert replay.selection == selection
    cancel(log, number)
    return made


def test_a_version_is_named_by_its_hash_six_digits_of_it_or_its_release(log: EventLog) -> None:
    accept(log, "old", "new", "released", "unknown")
    ran(log, "old", State.DONE, version=OLD)
    ran(log, "new", State.DONE, version=NEW)
    ran(log, "released", State.DEAD, version=NEW, release="2026.11")
    ran(log, "unknown", State.SKIPPED, version=None)
    assert pairs(log, LastRun(version=OLD)) == [("old", "h")]
    assert pairs(log, LastRun(version=NEW[:6].upper())) == [("new", "h"), ("released", "h")]
    assert pairs(log, LastRun(version="2026.11")) == [("released", "h")]
    assert pairs(log, LastRun(version=NEW[:5])) == []
    assert pairs(log, LastRun(version="2026.1")) == []
    assert pairs(log, LastRun(version="%a%a%a")) == []
    assert pairs(log, LastRun(version=NEW), only_failed=True) == [("released", "h")]


def test_only_the_last_run_counts(log: EventLog) -> None:
    accept(log, "a", "b")
    ran(log, "a", State.DEAD, version=OLD)
    ran(log, "b", State.DEAD, version=OLD)
    number = create(log, selection=Selection(ids=("a",)), handlers=H, who="a test")
    feed_all(log, number)
    ran(log, "a", State.DONE, version=NEW, replay=number)
    assert pairs(log, LastRun(version=OLD)) == [("b", "h")]
    assert pairs(log, LastRun(version=NEW)) == [("a", "h")]
    assert pairs(log, LastRun(fingerprint=BOOM)) == [("b", "h")]
    # The runs above were withdrawn, and so were none.
    assert pairs(log, LastRun(version=OLD)) == [("b", "h")]


def test_a_fingerprint_finds_what_died_of_it_at_last(log: EventLog) -> None:
    accept(log, "dead", "mended", "otherwise", "waits")
    ran(log, "dead", State.DEAD)
    ran(log, "mended", State.DONE)
    ran(log, "otherwise", State.DEAD, fingerprint=OTHER)
    ran(log, "waits", State.WAITING)
    assert pairs(log, LastRun(fingerprint=BOOM)) == [("dead", "h")]
    assert pairs(log, LastRun(fingerprint=OTHER)) == [("otherwise", "h")]
    assert pairs(log, LastRun(fingerprint="f" * 16)) == []


def test_of_several_attempts_the_last_failure_counts(log: EventLog) -> None:
    accept(log, "a")
    number = create(log, selection=Selection(), handlers={"g": ["*"]}, who="a test")
    ran(log, "a", State.DONE)
    feed_all(log, number)
    ran(log, "a", State.WAITING, handler="g", fingerprint=BOOM, replay=number)
    with log.write() as connection:
        connection.execute(deliveries.update().values(state=State.QUEUED))
    ran(log, "a", State.DEAD, handler="g", fingerprint=OTHER, replay=number, attempt=2)
    assert pairs(log, LastRun(fingerprint=BOOM), {"g": ["*"]}) == []
    assert pairs(log, LastRun(fingerprint=OTHER), {"g": ["*"]}) == [("a", "g")]


def test_fixed_is_what_died_under_another_version_or_in_another_release(log: EventLog) -> None:
    accept(log, "old", "new", "done", "released", "unknown", "resolved")
    ran(log, "old", State.DEAD, version=OLD)
    ran(log, "new", State.DEAD, version=NEW)
    ran(log, "done", State.DONE, version=OLD)
    ran(log, "released", State.DEAD, version=NEW, release="r1")
    ran(log, "unknown", State.DEAD, version=None)
    ran(log, "resolved", State.DEAD, version=OLD)
    with log.write() as connection:
        seq = select(events.c.seq).where(events.c.id == "resolved").scalar_subquery()
        connection.execute(
            deliveries.update().where(deliveries.c.event_seq == seq).values(state=State.RESOLVED)
        )
    present = Present(versions={"h": NEW})
    assert pairs(log, LastRun(fixed_in=present)) == [("old", "h"), ("unknown", "h")]
    released = Present(versions={"h": NEW}, release="r1")
    assert pairs(log, LastRun(fixed_in=released)) == [("old", "h"), ("new", "h"), ("unknown", "h")]
    assert pairs(log, LastRun(fixed_in=present, version=OLD)) == [("old", "h")]


def test_each_handler_is_asked_for_itself(log: EventLog) -> None:
    both = {"one": ["*"], "two": ["memory.*"], "three": ["agent.*"]}
    accept(log, "a", "b")
    for event_id in ("a", "b"):
        ran(log, event_id, State.DONE, handler="other")
    number = create(log, selection=Selection(), handlers={name: ["*"] for name in both}, who="a test")
    feed_all(log, number)
    lease_of = {"a": {"one": BOOM, "two": BOOM, "three": BOOM}, "b": {"one": OTHER, "two": BOOM}}
    with log.write() as connection:
        connection.execute(deliveries.update().values(state=State.DONE))
    for event_id, handlers in lease_of.items():
        for handler, fingerprint in handlers.items():
            with log.write() as connection:
                connection.execute(
                    deliveries.update()
                    .where(
                        deliveries.c.handler == handler,
                        deliveries.c.event_seq
                        == select(events.c.seq).where(events.c.id == event_id).scalar_subquery(),
                    )
                    .values(state=State.QUEUED)
                )
            ran(log, event_id, State.DEAD, handler=handler, fingerprint=fingerprint, replay=number)
    # Of a handler that no longer listens for the type nothing is repeated.
    found = [("a", "one"), ("a", "two"), ("b", "two")]
    assert pairs(log, LastRun(fingerprint=BOOM), both) == found
    assert pairs(log, LastRun(fingerprint=BOOM), both, turn=1) == found


def test_other_filters_apply_too(log: EventLog) -> None:
    accept(log, "a", "b")
    for event_id in ("a", "b"):
        ran(log, event_id, State.DEAD)
    later = datetime.now(UTC) + timedelta(hours=1)
    died = LastRun(fingerprint=BOOM)
    assert pairs(log, died, type="memory.*") == [("a", "h"), ("b", "h")]
    assert pairs(log, died, type="agent.*") == []
    assert pairs(log, died, since=later) == []
    assert pairs(log, died, until=later) == [("a", "h"), ("b", "h")]
    assert pairs(log, died, state=State.DEAD) == [("a", "h"), ("b", "h")]
    assert pairs(log, died, state=State.DONE) == []


def test_preview_and_feed_agree_whatever_happened(log: EventLog) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    ids = [f"evt_{number}" for number in range(30)]
    accept(log, *ids)
    for event_id in ids:
        ran(
            log,
            event_id,
            chance.choice((State.DONE, State.DEAD, State.DEAD, State.SKIPPED)),
            version=chance.choice((OLD, NEW, None)),
            release=chance.choice((None, "r1", "r2")),
            fingerprint=chance.choice((BOOM, OTHER)),
        )
    present = Present(versions={"h": NEW}, release=chance.choice((None, "r2")))
    for last_run in (
        LastRun(fingerprint=BOOM),
        LastRun(version=OLD),
        LastRun(version="r1", fingerprint=OTHER),
        LastRun(fixed_in=present),
        LastRun(fixed_in=present, fingerprint=BOOM),
    ):
        pairs(log, last_run, turn=chance.randint(1, 7))
        # Some of them run again, so that later replays see other last runs.
        number = create(log, selection=Selection(last_run=last_run), handlers=H, who="a test")
        fed = feed(log, number, turn=4, choose=choose)
        for event_id in fed.event_ids:
            ran(log, event_id, chance.choice((State.DONE, State.DEAD)), version=NEW, replay=number)
        cancel(log, number)


@pytest.mark.parametrize(
    ("last_run", "index"),
    [
        (LastRun(fingerprint=BOOM), "ix_failures_fingerprint_handler_event_seq"),
        (LastRun(fixed_in=Present(versions={})), "ix_deliveries_handler_state_event_seq"),
        (LastRun(version=OLD), "ix_deliveries_handler_event_seq"),
    ],
)
def test_each_question_is_answered_from_an_index(sqlite_log: EventLog, last_run: LastRun, index: str) -> None:
    taken: list[tuple[str, tuple[object, ...]]] = []

    @event.listens_for(sqlite_log._engine, "before_cursor_execute")
    def take(_connection, _cursor, statement, parameters, *_) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002
        if "deliveries" in statement and not statement.startswith("EXPLAIN"):
            taken.append((statement, parameters))

    for filters in ({}, {"type": "memory.*"}, {"since": datetime.now(UTC)}):
        preview(sqlite_log, Selection(last_run=last_run, **filters), H)
    assert len(taken) == 3
    with sqlite_log.read() as connection:
        for statement, parameters in taken:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan = "\n".join(str(row[-1]) for row in rows)
            assert f"INDEX {index}" in plan, plan
            assert "SCAN" not in plan, plan
            assert "TEMP B-TREE" not in plan, plan
