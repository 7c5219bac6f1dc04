import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.events import events
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.states import State
from tests.eventlog.repeating import ran
from tests.eventlog.stored import accept, an_event, opened, run
from tests.servers.waiting import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def log(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[EventLog]:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.chdir(tmp_path)
    log = opened(sqlite_url)
    yield log
    log.close()


def hooks(*arguments: str) -> Result:
    return CliRunner().invoke(events, arguments)


def test_the_newest_come_first_with_what_is_known_of_them(log: EventLog) -> None:
    record(log, [an_event("evt_1", "agent.failed", subject="agent-7")])
    accept(log, "evt_2", "evt_2", "evt_2")
    run(log, "evt_1", {"explain": State.DEAD})
    result = hooks("list")
    assert result.exit_code == 0
    heading, first, second = result.output.splitlines()
    assert heading.split() == ["time", "id", "type", "subject", "state", "seen", "note"]
    assert first.split()[1:] == ["evt_2", "memory.stored", "queued", "x3"]
    assert second.split()[1:] == ["evt_1", "agent.failed", "agent-7", "dead", "failed:", "explain"]


def test_columns_without_a_value_are_left_out(log: EventLog) -> None:
    accept(log, "evt_1")
    assert hooks("list").output.splitlines()[0].split() == ["time", "id", "type", "state"]


def test_an_id_is_never_cut_short_in_a_pipe(log: EventLog) -> None:
    accept(log, "e" * 255)
    assert f" {'e' * 255} " in hooks("list").output


def test_what_steers_a_terminal_is_shown_and_not_sent(log: EventLog) -> None:
    record(log, [an_event("evt_1", subject="\x1b]0;x\x07[red]\u202e\x9b\nnew line")])
    output = hooks("list").output
    assert r"\u001b]0;x\u0007[red]\u202e\u009b\u000anew line" in output
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(output)


def test_the_next_page_is_named_and_goes_on(log: EventLog) -> None:
    accept(log, *"abcde")
    seen: list[str] = []
    arguments = ["list", "--type", "memory.*", "--since", "1h", "--limit", "2"]
    while True:
        lines = hooks(*arguments).output.splitlines()
        seen += [line.split()[1] for line in lines[1:] if line and not line.startswith("Next")]
        if not lines[-1].startswith("Next page: hooks events "):
            break
        assert "--type 'memory.*' --since 20" in lines[-1]
        arguments[arguments.index("2") + 1 :] = lines[-1].split()[-2:]
    assert seen == list("edcba")


def test_json_is_one_object_with_the_next_cursor(log: EventLog) -> None:
    record(log, [an_event("a", subject="m1")])
    accept(log, "b", "c")
    first = json.loads(hooks("list", "--json", "--limit", "2").output)
    assert [event["id"] for event in first["events"]] == ["c", "b"]
    second = json.loads(hooks("list", "--json", "--limit", "2", "--cursor", first["next_cursor"]).output)
    assert second["next_cursor"] is None
    (event,) = second["events"]
    assert (event["id"], event["type"], event["subject"]) == ("a", "memory.stored", "m1")
    assert (event["state"], event["seen"], event["dead_handlers"]) == ("queued", 1, [])
    assert event["created_at"] == "2026-01-30T12:00:00Z"


def test_an_empty_page_says_so(log: EventLog) -> None:
    assert hooks("list").output == "There are no events yet.\n"
    assert hooks("list", "--state", "dead").output == "No event matches.\n"
    assert json.loads(hooks("list", "--json").output) == {"events": [], "next_cursor": None}


def test_filters_apply(log: EventLog) -> None:
    record(log, [an_event("old", age=timedelta(days=2))])
    accept(log, "new")
    listed = json.loads(hooks("list", "--json", "--until", "1d").output)
    assert [event["id"] for event in listed["events"]] == ["old"]


def test_a_fingerprint_is_given_by_its_first_digits(log: EventLog) -> None:
    accept(log, "evt_1", "evt_2")
    run(log, "evt_1", {"explain": State.DEAD})
    run(log, "evt_2", {"explain": State.DONE})
    for arguments in (("f1",), ("f",), ("F", "--handler", "explain", "--state", "dead")):
        found = json.loads(hooks("list", "--json", "--fingerprint", *arguments).output)
        assert [each["id"] for each in found["events"]] == ["evt_1"]
    assert hooks("list", "--fingerprint", "f", "--handler", "other").output == "No event matches.\n"
    assert hooks("list", "--fingerprint", "ab").output == "No event matches.\n"
    exported = hooks("export", "--fingerprint", "f1").stdout
    assert [json.loads(line)["id"] for line in exported.splitlines()] == ["evt_1"]


def test_a_fingerprint_that_is_not_one_alone_is_refused(log: EventLog) -> None:
    accept(log, "evt_1", "evt_2")
    ran(log, "evt_1", State.DEAD, fingerprint="ab01")
    ran(log, "evt_2", State.DEAD, fingerprint="ab02")
    result = hooks("list", "--fingerprint", "ab")
    assert result.exit_code == 1
    assert "several fingerprints begin with 'ab', such as ab01 and ab02: give more digits" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--state", "broken"], "'done', 'dead', 'resolved', 'unhandled', 'skipped'"),
        (["--since", "soon"], "an age (15m, 2h, 3d, 1w)"),
        (["--until", "1.5h"], "an age (15m, 2h, 3d, 1w)"),
        (["--since", "1h", "--until", "2h"], "--since must be earlier than --until"),
        (["--type", "mem*"], "a family (memory.*)"),
        (["--type", ""], "was a variable unset?"),
        (["--subject", "\udcff"], "not UTF-8"),
        (["--cursor", "12"], "no cursor of this command"),
        (["--cursor", "before-9999999999999999999"], "no cursor of this command"),
        (["--limit", "0"], "1<=x<=1000"),
        (["--follow", "--cursor", "before-3"], "leave out --cursor"),
    ],
)
def test_a_wrong_value_is_wrong_usage_and_says_what_is_allowed(
    arguments: list[str], words: str, log: EventLog
) -> None:
    result = hooks("list", *arguments)
    assert result.exit_code == 2
    assert words in result.output


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], Path]]]:
    started: list[subprocess.Popen[str]] = []
    output = tmp_path / "output"

    def start(*arguments: str) -> tuple[subprocess.Popen[str], Path]:
        command = (sys.executable, "-m", "console", "events", "list", "--follow", *arguments)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with output.open("w") as stream:
            started.append(
                subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, text=True, env=environment)
            )
        return started[0], output

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_following_shows_the_latest_and_each_that_arrives_until_interrupted(
    log: EventLog, follow: Callable[..., tuple[subprocess.Popen[str], Path]]
) -> None:
    accept(log, "a", "b", "c")
    process, output = follow("--json", "--limit", "2")

    def shown() -> list[str]:
        return [json.loads(line)["id"] for line in output.read_text().splitlines()]

    wait_until(lambda: shown() == ["b", "c"], 20)
    accept(log, "d", "e")
    wait_until(lambda: shown() == ["b", "c", "d", "e"], 20)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0


def test_following_goes_on_when_the_log_was_away(
    log: EventLog, follow: Callable[..., tuple[subprocess.Popen[str], Path]]
) -> None:
    accept(log, "evt_a")
    process, output = follow()
    wait_until(lambda: "evt_a" in output.read_text(), 20)
    rename(log, "events", "gone")
    wait_until(lambda: "waiting for it to come back" in output.read_text(), 20)
    rename(log, "gone", "events")
    accept(log, "evt_b")
    wait_until(lambda: "evt_b" in output.read_text(), 20)
    assert process.poll() is None
    assert output.read_text().count("waiting for it") == 1
    assert output.read_text().count("evt_a") == 1


def rename(log: EventLog, table: str, name: str) -> None:
    with log.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")
