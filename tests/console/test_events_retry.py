import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from console.events import events
from eventlog.database import EventLog
from eventlog.heartbeats import beat
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.replays import cancel
from eventlog.states import State
from eventlog.sweep import sweep
from eventlog.tables import deliveries
from tests.eventlog.rows import make_delivery_due, make_event_due
from tests.eventlog.stored import accept, opened, replay, run


@pytest.fixture
def log(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[EventLog]:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.chdir(tmp_path)
    log = opened(sqlite_url)
    for kind in ("clock", "worker"):
        beat(log, name=kind, kind=kind)
    yield log
    log.close()


def retry(*arguments: str) -> Result:
    return CliRunner().invoke(events, ["retry", *arguments])


def test_waiting_retries_are_brought_forward(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"good": State.DONE, "bad": State.WAITING})
    number = replay(log, "a", "good")
    run(log, "a", {"good": State.WAITING}, in_replay=number)
    result = retry("a")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "bad is due now: the clock takes it within a second",
        f"good (replay {number}) is due now: the clock takes it within a second",
    ]
    assert {(swept.event_id, swept.replay) for swept in sweep(log)} == {("a", 0), ("a", number)}


def test_a_second_time_it_says_so_and_is_no_failure(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"bad": State.WAITING})
    retry("a")
    result = retry("a")
    assert (result.exit_code, result.output) == (
        0,
        "bad is due already: the clock takes it within a second\n",
    )


def test_only_one_handlers_retry_is_brought_forward(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"one": State.WAITING, "two": State.WAITING})
    assert retry("a", "--handler", "two").output.startswith("two is due now")
    shown = json.loads(retry("a", "--json").stdout)
    assert [(each["handler"], each["brought_forward"]) for each in shown["deliveries"]] == [
        ("one", True),
        ("two", False),
    ]


def test_what_is_dead_is_told_how_to_run_again(log: EventLog) -> None:
    accept(log, "a b")
    run(log, "a b", {"bad": State.DEAD, "good": State.DONE})
    result = retry("a b")
    assert result.exit_code == 1
    assert result.output == (
        "bad is dead, and no retry is left; to run it again: hooks replay 'a b' --only-failed --handler bad\n"
    )


def test_what_was_run_again_since_is_not_said_to_need_it(log: EventLog) -> None:
    needs_it = (
        "bad is dead, and no retry is left; to run it again: hooks replay a --only-failed --handler bad\n"
    )
    accept(log, "a")
    run(log, "a", {"bad": State.DEAD})
    cancel(log, replay(log, "a", "bad"))
    assert retry("a").output == needs_it
    run(log, "a", {"bad": State.DONE}, in_replay=replay(log, "a", "bad"))
    assert retry("a").output == "bad is dead, and was run again since; see: hooks events show a\n"
    again = replay(log, "a", "bad")
    run(log, "a", {"bad": State.DEAD}, in_replay=again)
    assert retry("a").output.endswith(needs_it.replace("bad is", f"bad (replay {again}) is"))


@pytest.mark.parametrize(
    ("state", "said", "code"),
    [
        (State.PARKED, "bad is parked: an earlier event of its subject comes first", 1),
        (State.THROTTLED, "bad is throttled", 1),
        (
            State.RESOLVED,
            "bad is resolved, and no retry is left; to run it again: hooks replay a --handler",
            1,
        ),
        (State.QUEUED, "bad is queued", 0),
        (State.RUNNING, "bad runs at the moment", 0),
        (State.DONE, "nothing waits: it has ended well; to run it again: hooks replay a", 1),
    ],
)
def test_what_does_not_wait_says_why(log: EventLog, state: State, said: str, code: int) -> None:
    accept(log, "a")
    run(log, "a", {"bad": State.WAITING})
    with log.write() as connection:
        connection.execute(update(deliveries).values(state=state, queue="slow"))
    result = retry("a")
    assert result.output.startswith(said)
    assert result.exit_code == code


def test_an_event_that_a_worker_runs_is_said_to_run(log: EventLog) -> None:
    accept(log, "a")
    assert retry("a").output == "no handler has run yet: the event is queued\n"
    run(log, "a", {"bad": State.WAITING})
    make_delivery_due(log, "bad")
    make_event_due(log, "a")
    sweep(log)
    assert retry("a").output.startswith("bad is queued")
    claim(log, Hold(lease=new_lease(), replay=0), ["a"], duration=timedelta(minutes=1))
    result = retry("a")
    assert (result.exit_code, result.output) == (0, "bad runs at the moment\n")


def test_an_event_without_handlers_is_told_how_to_get_one(log: EventLog) -> None:
    accept(log, "a")
    with log.write() as connection:
        connection.exec_driver_sql("UPDATE events SET state = 'unhandled', due_at = NULL")
    result = retry("a")
    assert result.exit_code == 1
    assert "no handler listened for it" in result.output


def test_without_a_clock_it_says_what_is_missing(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"bad": State.WAITING})
    with log.write() as connection:
        connection.exec_driver_sql("DELETE FROM heartbeats WHERE kind = 'clock'")
    result = retry("a", "--json")
    assert result.exit_code == 0
    assert "It goes on when `hooks clock` runs" in result.stderr
    assert json.loads(result.stdout)["deliveries"][0]["brought_forward"] is True


def test_unknown_ids_and_handlers_are_named(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"bad": State.WAITING})
    unknown = retry("\x1b[31mb")
    assert unknown.exit_code == 1
    assert "there is no event" in unknown.output
    assert "\x1b" not in unknown.output
    other = retry("a", "--handler", "good")
    assert other.exit_code == 1
    assert "has no delivery to a handler 'good'; it has deliveries to: bad" in other.output
    assert retry("a", "--handler", "").exit_code == 2
    assert retry().exit_code == 2
