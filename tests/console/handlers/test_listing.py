"""`hooks handlers list` and `show`."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from console.handlers import handlers
from eventlog.database import EventLog
from eventlog.schema import upgrade
from eventlog.states import State
from eventlog.tables import deliveries
from tests.console.stored import store

MODULE = """
from handlers import Router

router = Router()

@router.on("memory.*", "agent.failed", retries=2, timeout=90)
def explain(event, ctx):
    pass

@router.on("memory.created", retries=0, queue="slow", order="strict", on_dead="hold",
           concurrency=3, rate="10/s", dry_run=True)
def unknown(event, ctx):
    pass
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    name = f"handlers_of_{tmp_path.name}".replace("-", "_")
    monkeypatch.setenv("HOOKS_HANDLERS", name)
    path = tmp_path / f"{name}.py"
    path.write_text(MODULE)
    return path


@pytest.fixture
def log(module: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventLog]:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    with closing(EventLog.open(sqlite_url)) as log:
        upgrade(log)
        store(log, "evt_1", "evt_2", "evt_3")
        with log.write() as connection:
            connection.execute(
                insert(deliveries),
                [
                    {"event_seq": seq, "handler": "explain", "state": state, "started_at": datetime.now(UTC)}
                    for seq, state in ((1, State.DONE), (2, State.DEAD), (3, State.DONE))
                ],
            )
        yield log


def run(*arguments: str) -> Result:
    return CliRunner().invoke(handlers, arguments)


def test_what_is_registered_is_listed_with_its_policy(module: Path) -> None:
    result = run("list")
    assert result.exit_code == 0, result.output
    blocks = result.stdout.split("\n\n")
    assert [block.splitlines()[0] for block in blocks[:3]] == ["log_event", "explain", "unknown"]
    explain = " ".join(blocks[1].split())
    assert "events memory.*, agent.failed retries 2, the first after 5 s, doubling up to 1 h" in explain
    assert "timeout 90 s" in explain
    assert f"defined {module.name}:6, version " in explain
    assert "runs" not in explain
    unknown = " ".join(blocks[2].split())
    assert "retries none" in unknown
    assert "runs in the queue 'slow', with workers of its own; the events of a subject one by one" in unknown
    assert "a dead one holding the rest; at most 3 at a time; at most 10 in 1 s" in unknown
    assert "dry run yes" in unknown
    assert "'memory.created'" in result.stderr
    assert "did you mean 'memory.updated'?" in result.stderr


def test_no_line_is_wider_than_a_terminal(log: EventLog, module: Path) -> None:
    lines = [line for line in run("list").stdout.splitlines() if "defined" not in line]
    assert max(map(len, lines)) <= 80


def test_machines_get_json(log: EventLog, module: Path) -> None:
    result = run("list", "--json")
    assert result.exit_code == 0
    listed = json.loads(result.stdout)
    assert [handler["name"] for handler in listed["handlers"]] == ["log_event", "explain", "unknown"]
    explain, unknown = listed["handlers"][1:]
    assert explain["patterns"] == ["memory.*", "agent.failed"]
    assert (explain["retries"], explain["timeout_seconds"]) == (2, 90)
    assert (explain["file"], explain["line"]) == (str(module), 6)
    assert (explain["queue"], explain["order"], explain["rate"], explain["dry_run"]) == (
        "hooks",
        None,
        None,
        False,
    )
    assert explain["last_hour"] == {"outcomes": {"done": 2, "dead": 1}, "is_complete": True}
    assert (unknown["queue"], unknown["order"], unknown["on_dead"]) == ("slow", "strict", "hold")
    assert (unknown["concurrency"], unknown["rate"]) == (3, {"starts": 10, "period_seconds": 1})
    assert unknown["last_hour"]["outcomes"] == {}
    assert len(listed["warnings"]) == 1
    assert listed["last_hour_unknown"] is None


def test_the_last_hour_is_told(log: EventLog) -> None:
    blocks = run("list").stdout.split("\n\n")
    assert "  last hour  2 done, 1 dead" in blocks[1].splitlines()
    assert "  last hour  nothing" in blocks[2].splitlines()


def test_without_a_log_they_are_listed_all_the_same_and_that_is_told(module: Path) -> None:
    result = run("list")
    assert result.exit_code == 0
    assert "  last hour  not known" in result.stdout.splitlines()
    assert "there is no event log" in result.stderr
    told = json.loads(run("list", "--json").stdout)
    assert told["handlers"][1]["last_hour"] is None
    assert "there is no event log" in told["last_hour_unknown"]


@pytest.mark.without_tables
def test_a_log_without_tables_is_told_too(
    module: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    Path(sqlite_url.removeprefix("sqlite:///")).touch()
    result = run("list")
    assert result.exit_code == 0
    assert "has no tables yet; run: hooks db upgrade" in result.stderr


def test_a_broken_module_is_named(module: Path) -> None:
    module.write_text("import no_such_thing\n")
    result = run("list")
    assert result.exit_code == 1
    assert f"{module}:1" in result.output
    assert "no_such_thing" in result.output


def test_none_at_all_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOOKS_HANDLERS", raising=False)
    monkeypatch.setenv("HOOKS_BUILTIN_HANDLERS", "0")
    result = run("list")
    assert result.exit_code == 0
    assert "hooks handlers new" in result.output
    assert "HOOKS_HANDLERS" in result.output


def test_one_is_shown_with_its_source_and_how_to_try_it(log: EventLog, module: Path) -> None:
    result = run("show", "explain")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("explain\n  events     memory.*, agent.failed\n")
    assert "  last hour  2 done, 1 dead" in result.stdout
    assert f"\nSource  {module.name}:6\n" in result.stdout
    assert (
        '  @router.on("memory.*", "agent.failed", retries=2, timeout=90)\n  def explain(event, ctx):\n'
        in result.stdout
    )
    assert "  hooks trigger memory.stored\n" in result.stdout
    assert "  hooks replay EVENT_ID --handler explain\n" in result.stdout
    assert f"  from {module.stem} import explain\n" in result.stdout
    assert '      memoryId="project-update",\n' in result.stdout


def test_what_is_said_to_try_works(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.strip() for line in run("show", "explain").stdout.splitlines()]
    exec("\n".join(lines[lines.index("from handlers.testing import make_event, run") :]), {})
    assert capsys.readouterr().out == "Succeeded()\n"


def test_one_is_shown_as_json(log: EventLog, module: Path) -> None:
    shown = json.loads(run("show", "unknown", "--json").stdout)
    assert shown["name"] == "unknown"
    assert shown["source"].startswith('@router.on("memory.created"')
    assert shown["last_hour"] == {"outcomes": {}, "is_complete": True}


def test_a_long_source_is_cut(module: Path) -> None:
    body = "".join(f"    x = {number}\n" for number in range(500))
    module.write_text(MODULE + f"\n@router.on('agent.*')\ndef long(event, ctx):\n{body}")
    shown = run("show", "long").stdout
    assert "    x = 197\n" in shown
    assert "    x = 198\n" not in shown
    assert "… and 302 more lines\n" in shown


def test_a_name_that_is_not_there_is_told_with_the_likely_one(module: Path) -> None:
    result = run("show", "explian")
    assert result.exit_code == 1
    assert "no handler is named 'explian': did you mean 'explain'?" in result.output
    assert "hooks handlers list" in run("show", "zzzzzz").output


def test_one_that_is_turned_off_is_told_with_its_setting(module: Path) -> None:
    result = run("show", "mirror_memories")
    assert result.exit_code == 1
    assert "'mirror_memories' is off: HOOKS_MIRROR_MEMORIES turns it on" in result.output


def test_built_in_handlers_that_are_off_are_named_with_what_turns_them_on(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKS_MIRROR_MEMORIES", "table")
    monkeypatch.setenv("HOOKS_NOTIFY_OF_USAGE", "https://hooks.chat.example/services/sEcReT")
    listed = json.loads(run("list", "--json").stdout)
    assert [handler["name"] for handler in listed["handlers"]][:3] == [
        "log_event",
        "mirror_memories",
        "notify_of_usage",
    ]
    assert listed["turned_off"] == [
        {"name": "diagnose_failed_agent", "variable": "HOOKS_DIAGNOSE_FAILED_AGENT"},
        {"name": "keep_project_history", "variable": "HOOKS_KEEP_PROJECT_HISTORY"},
        {"name": "remember_agent_result", "variable": "HOOKS_REMEMBER_AGENT_RESULT"},
    ]
    shown = run("list").output
    assert "diagnose_failed_agent  HOOKS_DIAGNOSE_FAILED_AGENT" in shown
    assert "sEcReT" not in shown
    monkeypatch.setenv("HOOKS_BUILTIN_HANDLERS", "false")
    assert json.loads(run("list", "--json").stdout)["turned_off"] == []
