from collections.abc import Iterator

import pytest

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.detail import EventDetail, read_body, read_detail
from eventlog.states import State
from tests.eventlog.stored import accept, an_event, opened, replay, run


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    log = opened(database_url)
    yield log
    log.close()


def detail(log: EventLog, event_id: str) -> EventDetail:
    found = read_detail(log, event_id)
    assert found is not None
    return found


def test_an_unknown_event_is_none(log: EventLog) -> None:
    assert read_detail(log, "evt_unknown") is None


def test_a_new_event_has_no_runs_and_one_body(log: EventLog) -> None:
    record(log, [an_event("a", subject="m1", body=b"\x00\xff exact\n")])
    found = detail(log, "a")
    assert (found.id, found.type, found.subject, found.state) == ("a", "memory.stored", "m1", State.QUEUED)
    assert found.deliveries == ()
    assert found.failures == ()
    assert found.body == b"\x00\xff exact\n"
    assert [body.length for body in found.bodies] == [9]


def test_runs_are_kept_apart_with_their_failures(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"one": State.DEAD, "two": State.DONE}, message="first time")
    replay_id = replay(log, "a", "one")
    run(log, "a", {"one": State.DEAD}, in_replay=replay_id, message="second time")
    found = detail(log, "a")
    assert [(one.replay, one.handler, one.state) for one in found.deliveries] == [
        (0, "one", State.DEAD),
        (0, "two", State.DONE),
        (replay_id, "one", State.DEAD),
    ]
    assert [(one.replay, one.message, one.attempt) for one in found.failures] == [
        (0, "first time", 1),
        (replay_id, "second time", 1),
    ]
    assert all(one.traceback.startswith("Traceback") for one in found.failures)


def test_bodies_that_differ_follow_the_first(log: EventLog) -> None:
    for body in (b"zz first", b"second", b"zz first", b"a third"):
        record(log, [an_event("a", body=body)])
    found = detail(log, "a")
    assert found.seen == 4
    assert found.body == b"zz first"
    assert [read_body(log, found, number) for number in (1, 2, 3, 4, 0)] == [
        b"zz first",
        b"second",
        b"a third",
        None,
        None,
    ]
