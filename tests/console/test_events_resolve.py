import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from console.events import events
from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.states import State
from eventlog.sweep import sweep
from eventlog.tables import deliveries
from tests.eventlog.rows import event_row, make_delivery_due, make_event_due
from tests.eventlog.stored import accept, opened, replay, run


@pytest.fixture
def log(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[EventLog]:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.chdir(tmp_path)
    log = opened(sqlite_url)
    yield log
    log.close()


def hooks_events(*arguments: str) -> Result:
    return CliRunner().invoke(events, arguments)


def resolve(*arguments: str) -> Result:
    return hooks_events("resolve", *arguments)


def dead(log: EventLog) -> int:
    accept(log, "a")
    run(log, "a", {"good": State.DONE, "bad": State.DEAD, "worse": State.DEAD})
    number = replay(log, "a", "bad")
    run(log, "a", {"bad": State.DEAD}, in_replay=number)
    return number


def test_what_is_dead_is_resolved_and_shown_with_who_and_why(log: EventLog) -> None:
    number = dead(log)
    result = resolve("a", "--why", "paid by hand")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "bad is resolved",
        "worse is resolved",
        f"bad (replay {number}) is resolved",
    ]
    shown = hooks_events("show", "a").output
    assert shown.startswith("a  memory.stored  resolved\n")
    assert shown.count(": paid by hand") == 3
    listed = hooks_events("list", "--state", "resolved").output
    assert "memory.stored" in listed
    assert "failed:" not in listed
    delivery = json.loads(hooks_events("show", "a", "--json").output)["deliveries"][1]
    assert (delivery["handler"], delivery["state"]) == ("bad", "resolved")
    assert "@" in delivery["resolved_by"]
    assert delivery["resolved_why"] == "paid by hand"
    assert delivery["resolved_at"].endswith("Z")


def test_a_second_time_it_names_who_did_it_and_is_no_failure(log: EventLog) -> None:
    dead(log)
    resolve("a", "--handler", "worse", "--why", "first")
    result = resolve("a", "--handler", "worse", "--why", "second")
    assert result.exit_code == 0
    assert result.output.startswith("worse was resolved before, by ")
    assert result.output.endswith(": first\n")
    assert event_row(log, "a").state == State.DEAD


def test_machines_get_json(log: EventLog) -> None:
    number = dead(log)
    resolve("a", "--handler", "worse", "--why", "first")
    shown = json.loads(resolve("a", "--why", "second", "--json").output)
    assert [(one["handler"], one["replay"], one["resolved_why"]) for one in shown["resolved"]] == [
        ("bad", 0, "second"),
        ("bad", number, "second"),
    ]
    assert [(one["handler"], one["resolved_why"]) for one in shown["resolved_before"]] == [("worse", "first")]
    assert shown["left"] == []


def test_where_nothing_is_dead_it_fails(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"good": State.DONE, "bad": State.WAITING})
    result = resolve("a", "--why", "x")
    assert result.exit_code == 1
    assert "nothing of event 'a' is dead: good is done, bad is waiting\n" in result.output


def test_where_another_handler_is_dead_it_names_the_one_that_was_asked_for(log: EventLog) -> None:
    dead(log)
    result = resolve("a", "--handler", "good", "--why", "x")
    assert result.exit_code == 1
    assert "nothing of event 'a' for the handler 'good' is dead: good is done\n" in result.output


def test_where_no_handler_has_run_nothing_is_dead(log: EventLog) -> None:
    accept(log, "a")
    assert resolve("a", "--why", "x").output.endswith("nothing of event 'a' is dead\n")


def test_what_a_worker_is_at_is_left_with_a_word(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"bad": State.DEAD, "slow": State.WAITING})
    make_delivery_due(log, "slow")
    make_event_due(log, "a")
    sweep(log)
    claim(log, Hold(lease=new_lease(), replay=0), ["a"], duration=timedelta(minutes=1))
    result = resolve("a", "--why", "x")
    assert result.exit_code == 1
    assert "bad is dead still: a worker is at this event" in result.output
    assert "try again in a moment" in result.output


def test_it_tells_that_what_was_held_up_goes_on(log: EventLog) -> None:
    accept(log, "a", "b")
    run(log, "a", {"bad": State.DEAD})
    run(log, "b", {"bad": State.WAITING})
    with log.write() as connection:
        connection.execute(update(deliveries).values(line="m1", queue="hooks"))
        behind = deliveries.c.state == State.WAITING
        connection.execute(update(deliveries).where(behind).values(state=State.PARKED, due_at=None))
    result = resolve("a", "--why", "x")
    assert result.output == "bad is resolved\nWhat it held up goes on.\n"


def test_a_reason_is_required(log: EventLog) -> None:
    dead(log)
    assert resolve("a").exit_code == 2
    assert resolve("a", "--why", "").exit_code == 2
    assert event_row(log, "a").state == State.DEAD


def test_unknown_ids_and_handlers_are_named(log: EventLog) -> None:
    dead(log)
    unknown = resolve("b", "--why", "x")
    assert (unknown.exit_code, "there is no event 'b'" in unknown.output) == (1, True)
    other = resolve("a", "--handler", "other", "--why", "x")
    assert other.exit_code == 1
    assert "it has deliveries to: good, bad, worse" in other.output


def test_what_steers_a_terminal_is_shown_and_not_sent(log: EventLog) -> None:
    dead(log)
    resolve("a", "--why", "\x1b[2J")
    assert "\x1b" not in hooks_events("show", "a").output
    assert "\x1b" not in resolve("a", "--why", "again").output
