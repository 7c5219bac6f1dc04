import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from console.failures import failures
from eventlog.database import EventLog
from eventlog.schema import upgrade
from eventlog.states import State
from tests.eventlog.repeating import BOOM, NEW, OLD, OTHER, ran
from tests.eventlog.stored import accept


@pytest.fixture
def log(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventLog]:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    opened = EventLog.open(sqlite_url)
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def failed(log: EventLog) -> EventLog:
    accept(log, "evt_1", "evt_2", "evt_3")
    ran(log, "evt_1", State.DEAD, handler="explain")
    ran(
        log,
        "evt_2",
        State.DEAD,
        handler="explain",
        version=NEW,
        release="r2",
        message="no\x1b[2J such\nagent",
    )
    ran(log, "evt_3", State.DEAD, handler="remember", fingerprint=OTHER)
    return log


def hooks_failures(*arguments: str) -> Result:
    return CliRunner().invoke(failures, arguments)


def test_groups_are_listed_the_newest_first(failed: EventLog) -> None:
    result = hooks_failures("list")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].split() == [
        *("fingerprint", "failures", "still", "dead", "first", "last", "handler", "version", "error")
    ]
    assert lines[1].split()[:3] == [OTHER, "1", "1"]
    assert lines[2].split()[:3] == [BOOM, "2", "2"]
    assert f"  {NEW} r2, {OLD}  " in lines[2]
    assert "  explain  " in lines[2]
    assert "ValueError: no\\u001b[2J such" in lines[2]
    assert lines[-1] == "One of them in full: hooks failures show FINGERPRINT"


def test_the_list_takes_filters_and_gives_json(failed: EventLog) -> None:
    listed = json.loads(hooks_failures("list", "--handler", "explain", "--since", "1h", "--json").stdout)
    (group,) = listed["failures"]
    assert (group["fingerprint"], group["count"], group["still_dead"]) == (BOOM, 2, 2)
    assert group["handlers"] == ["explain"]
    assert group["versions"] == [
        {"handler": "explain", "version": NEW, "release": "r2"},
        {"handler": "explain", "version": OLD, "release": None},
    ]
    assert len(json.loads(hooks_failures("list", "--limit", "1", "--json").stdout)["failures"]) == 1
    assert hooks_failures("list", "--type", "agent.*").output == "No failures match.\n"
    assert hooks_failures("list", "--handler", "").exit_code == 2


def test_an_empty_list_says_so(log: EventLog) -> None:
    assert hooks_failures("list").output == "There are no failures.\n"
    assert json.loads(hooks_failures("list", "--json").stdout) == {"failures": []}


def test_one_is_shown_by_its_first_digits(failed: EventLog) -> None:
    result = hooks_failures("show", BOOM[:15], "--limit", "1")
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{BOOM}  ValueError: no\\u001b[2J such\n")
    assert "2 failed attempts on 2 events, 2 still dead" in result.output
    assert "evt_2  memory.stored  explain" in result.output
    assert "of 2 events; more with --limit" in result.output
    assert "The newest: explain on evt_2, attempt 1" in result.output
    assert "  Traceback: ..." in result.output
    assert result.output.splitlines()[-1] == (
        f"When it is mended: hooks replay --fingerprint {BOOM} --canary"
    )


def test_one_is_shown_as_json(failed: EventLog) -> None:
    shown = json.loads(hooks_failures("show", BOOM, "--json").stdout)
    assert (shown["count"], shown["events"], shown["still_dead"]) == (2, 2, 2)
    assert [version["version"] for version in shown["versions"]] == [NEW, OLD]
    assert shown["newest"]["event_id"] == "evt_2"
    assert shown["newest"]["traceback"] == "Traceback: ...\n"
    assert [(hit["event_id"], hit["state"]) for hit in shown["listed"]] == [
        ("evt_2", "dead"),
        ("evt_1", "dead"),
    ]
    assert shown["replay_command"] == f"hooks replay --fingerprint {BOOM} --canary"


def test_an_unknown_one_is_a_failure(failed: EventLog) -> None:
    result = hooks_failures("show", "ffff")
    assert result.exit_code == 1
    assert "no failure in the log has the fingerprint 'ffff'" in result.output
