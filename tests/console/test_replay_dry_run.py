import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from console.replay import replay
from eventlog.database import EventLog
from eventlog.replays import read_replays
from eventlog.schema import upgrade
from eventlog.states import State
from tests.console.stored import run, store

MODULE = """
import os, signal, subprocess, sys, time
from sqlalchemy import text
from handlers import PermanentError, RetryLater, Router, Skip

router = Router()
DRY = {"dry_run": True}

@router.on("memory.stored", **DRY)
def write(event, ctx):
    assert ctx.is_dry_run and ctx.is_replay and ctx.attempt == 1
    sys.stdin.read()
    print("a handler prints")
    ctx.log.info("noted")
    asked = ctx.once("ask", lambda: ctx.http.post("SERVER/ask?key=secret", json={"id": event.id}).json())
    assert ctx.once("ask", lambda: 1 / 0) == asked == {}
    ctx.http.get("https://me:hush@b.example/there").raise_for_status()
    with ctx.transaction() as session:
        session.execute(text("INSERT INTO my_notes VALUES ('a'), ('b')"))
        session.execute(text("UPDATE events SET subject = 'changed'"))

@router.on("memory.updated", **DRY)
def undo(event, ctx):
    with ctx.transaction() as session:
        session.execute(text("INSERT INTO my_notes VALUES ('a')"))
        ctx.http.get("https://b.example")
        raise KeyError("colour")

@router.on("memory.deleted", retries=0, **DRY)
def give_up(event, ctx):
    raise PermanentError("no such memory\\nand more")

@router.on("agent.started", **DRY)
def skip(event, ctx):
    raise Skip("nothing to do")

@router.on("agent.completed", **DRY)
def later(event, ctx):
    answer = ctx.chucky.prompt("Is it ready?").text
    assert ctx.once("keep", lambda: ctx.chaozcode.memory.store(id="m1", content=answer))["ok"]
    raise RetryLater(90, "not ready")

@router.on("agent.failed", timeout=0.3, **DRY)
def die(event, ctx):
    os._exit(7)

@router.on("agent.failed", timeout=0.3, **DRY)
def sleep(event, ctx):
    time.sleep(600)

@router.on("agent.failed", timeout=1, **DRY)
def hang(event, ctx):
    subprocess.Popen(["sleep", "600"], close_fds=False)
    with ctx.transaction() as session:
        session.execute(text("INSERT INTO my_notes VALUES ('a')"))
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass

@router.on("agent.failed", **DRY)
def crash(event, ctx):
    os.kill(os.getpid(), signal.SIGSEGV)

@router.on("agent.failed", **DRY)
def fork(event, ctx):
    if os.fork() == 0:
        return
    raise Skip("forked")

@router.on("agent.failed", **DRY)
def fine(event, ctx):
    pass

@router.on("usage.threshold", **DRY)
def declared(event, ctx):
    pass

@router.on("usage.threshold")
def undeclared(event, ctx):
    raise SystemExit("it ran")

@router.on("usage.*")
def also_undeclared(event, ctx):
    raise SystemExit("it ran")
"""


@pytest.fixture
def requests() -> Iterator[list[str]]:
    """Give what is sent to SERVER."""
    seen: list[str] = []

    class Asked(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    seen.append(f"http://127.0.0.1:{server.server_port}")
    yield seen
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def log(
    database_url: str, tmp_path: Path, requests: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[EventLog]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("HOOKS_BUILTIN_HANDLERS", "0")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    name = f"tried_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(MODULE.replace("SERVER", requests.pop()))
    monkeypatch.setenv("HOOKS_HANDLERS", name)
    opened = EventLog.open(database_url)
    upgrade(opened)
    with opened.write() as connection:
        connection.execute(text("CREATE TABLE my_notes (words varchar(50))"))
    yield opened
    opened.close()


def dry_run(*arguments: str) -> Result:
    return CliRunner().invoke(replay, ("--dry-run=handlers", *arguments))


def contents(log: EventLog) -> dict[str, list[tuple[object, ...]]]:
    tables = ("events", "deliveries", "failures", "effects", "replays", "my_notes")
    with log.read() as connection:
        return {
            table: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]
            for table in tables
        }


@pytest.mark.long_on_both(otherwise="sqlite")
def test_rows_and_calls_are_told_and_neither_is_there_afterwards(log: EventLog, requests: list[str]) -> None:
    store(log, "evt_1", "evt_2")
    run(log, {"write": State.DONE}, "evt_1", "evt_2")
    before = contents(log)
    result = dry_run("evt_1")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[:2] == ["1 event matches.", "evt_1  memory.stored"]
    assert lines[2].split()[:3] == ["write", "done", "in"]
    assert lines[3:5] == ["    rows   my_notes: 2 inserted", "    rows   events: 2 updated"]
    assert lines[5].startswith("    call   POST http://127.0.0.1:")
    assert lines[5].endswith("/ask?key=***")
    assert lines[6:] == [
        "    call   GET https://b.example/there",
        "A dry run. 1 call of handlers: 1 done. Nothing was kept or sent.",
    ]
    assert contents(log) == before
    assert requests == []


@pytest.mark.long_on_both(otherwise="sqlite")
def test_each_outcome_is_told_with_the_line_that_raised_it(log: EventLog) -> None:
    for number, kind in enumerate(
        ("memory.updated", "memory.deleted", "agent.started", "agent.completed", "agent.failed")
    ):
        store(log, f"evt_{number}", kind=kind)
    before = contents(log)
    result = dry_run("--all", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["events"], told["tried_events"], told["not_run"]) == (5, 5, 0)
    trials = {trial["handler"]: trial for trial in told["trials"]}
    assert list(trials) == [
        *("undo", "give_up", "skip", "later", "die", "sleep", "hang", "crash", "fork", "fine"),
    ]
    file = next(Path.cwd().glob("tried_*.py"))
    line = MODULE.splitlines().index('        raise KeyError("colour")') + 1
    assert trials["undo"]["error"] == {"type": "KeyError", "message": "'colour'", "place": f"{file}:{line}"}
    assert trials["undo"]["outcome"] == "waiting"
    assert trials["undo"]["uses_up_retry"] is True
    assert trials["undo"]["retry_in_seconds"] > 0
    assert trials["undo"]["rows"] == {}  # they would have vanished, too
    assert trials["undo"]["calls"] == [{"method": "GET", "url": "https://b.example/"}]
    assert trials["give_up"]["outcome"] == "dead"
    assert trials["give_up"]["error"]["type"] == "handlers.outcome.PermanentError"
    assert (trials["skip"]["outcome"], trials["skip"]["reason"]) == ("skipped", "nothing to do")
    assert trials["later"]["retry_in_seconds"] == 90
    assert (trials["later"]["outcome"], trials["later"]["reason"]) == ("waiting", "not ready")
    assert trials["later"]["calls"] == [
        {"method": "POST", "url": "https://conjure.chucky.cloud/prompt"},
        {"method": "POST", "url": "https://api.chaozcode.com/v2/memory/store"},
    ]
    assert trials["die"]["outcome"] == "crashed"
    assert "exit code 7" in trials["die"]["error"]["message"]
    assert trials["sleep"]["error"]["type"] == "handlers.outcome.HandlerTimeout"
    assert str(file) in trials["sleep"]["error"]["place"]
    assert trials["hang"]["outcome"] == "crashed"
    assert "took too long" in trials["hang"]["error"]["message"]
    assert "SIGSEGV" in trials["crash"]["error"]["message"]
    assert (trials["fork"]["outcome"], trials["fine"]["outcome"]) == ("skipped", "done")
    assert contents(log) == before


def test_handlers_that_do_not_declare_it_are_named_and_none_is_run(log: EventLog) -> None:
    store(log, "evt_1", "evt_2", kind="usage.threshold")
    store(log, "evt_3")
    result = dry_run("--all")
    assert result.exit_code == 2
    file = next(Path.cwd().glob("tried_*.py"))
    for name in ("undeclared", "also_undeclared"):
        line = MODULE.splitlines().index(f"def {name}(event, ctx):")  # the decorator's
        assert f"  {name} ({file}:{line})" in result.output
    assert "add dry_run=True" in result.output
    assert "declared (" not in result.output.replace("undeclared (", "")
    assert "done" not in result.output
    assert "Or try one that does, with --handler: declared, write\n" in result.output
    neither = dry_run("evt_1", "--handler", "undeclared")
    assert "Or try" not in neither.output
    alone = dry_run("evt_1", "--handler", "declared")
    assert alone.exit_code == 0, alone.output


@pytest.mark.long_on_both(otherwise="sqlite")
def test_only_the_first_events_are_run_and_the_others_counted(log: EventLog) -> None:
    store(log, *(f"evt_{number}" for number in range(5)), kind="agent.started")
    result = dry_run("--all", "--limit", "2")
    assert result.exit_code == 0, result.output
    assert "3 events more would be replayed; --limit says how many are tried." in result.output
    assert "2 calls of handlers: 2 skipped." in result.output
    assert [line for line in result.output.splitlines() if line.startswith("evt_")] == [
        "evt_0  agent.started",
        "evt_1  agent.started",
    ]


def test_only_failed_runs_a_handler_where_its_last_run_ended_dead(log: EventLog) -> None:
    store(log, "evt_1", "evt_2", kind="agent.failed")
    names = ("die", "sleep", "hang", "crash", "fork", "fine")
    run(log, dict.fromkeys(names, State.DONE) | {"fine": State.DEAD}, "evt_1")
    run(log, dict.fromkeys(names, State.DONE), "evt_2")
    told = json.loads(dry_run("--all", "--only-failed", "--json").stdout)
    assert [(trial["event"], trial["handler"]) for trial in told["trials"]] == [("evt_1", "fine")]


def test_an_event_that_no_handler_wants_is_a_failure_only_where_it_is_named(log: EventLog) -> None:
    store(log, "evt_1", kind="project.updated")
    assert dry_run("evt_1").exit_code == 1
    assert dry_run("--type", "project.*").exit_code == 0


def test_handlers_that_can_not_be_loaded_there_are_told(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(log, "evt_1", kind="agent.started")
    monkeypatch.setattr("console.replay_dry_run._COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    result = dry_run("evt_1")
    assert result.exit_code == 1
    assert "ended with exit code 3 before it had loaded the handlers" in result.output
    assert "1 handler was not run; see above." in result.output


@pytest.mark.long_on_both(otherwise="sqlite")
def test_what_handlers_print_and_log_goes_to_standard_error(log: EventLog) -> None:
    store(log, "evt_1")
    command = [sys.executable, "-m", "console", "replay", "evt_1", "--dry-run=handlers", "--json"]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ)
    )
    assert ended.returncode == 0, ended.stderr
    (trial,) = json.loads(ended.stdout)["trials"]
    assert trial["outcome"] == "done"
    assert "a handler prints" in ended.stderr
    assert "noted" in ended.stderr


def test_a_dry_run_alone_lists_and_takes_no_word_for_its_value(log: EventLog) -> None:
    store(log, "evt_1", "evt_2", kind="agent.started")
    for arguments in (
        ["--dry-run", "evt_1"],
        ["evt_1", "--dry-run"],
        ["--dry-run", "--", "evt_1"],
        ["--dry-run=list", "evt_1"],
    ):
        result = CliRunner().invoke(replay, arguments)
        assert result.exit_code == 0, result.output
        assert result.output.splitlines()[0] == "1 event matches."
        assert result.output.splitlines()[-1] == "A dry run: nothing was changed."


def test_a_value_that_looks_like_the_option_stays_a_value(log: EventLog) -> None:
    store(log, "evt_1", kind="agent.started")
    result = CliRunner().invoke(replay, ["evt_1", "--reason", "--dry-run", "--no-wait"])
    assert result.exit_code == 0, result.output
    assert [made.reason for made in read_replays(log)] == ["--dry-run"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--all", "--dry-run=everything"], "--dry-run"),
        (["--all", "--limit", "5"], "--limit is for --dry-run=handlers"),
        (["--all", "--dry-run", "--limit", "5"], "--limit is for --dry-run=handlers"),
        (["--all", "--dry-run=handlers", "--limit", "0"], "--limit"),
    ],
)
def test_wrong_usage(log: EventLog, arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(replay, arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_help_tells_of_both() -> None:
    assert "--dry-run[=handlers]" in CliRunner().invoke(replay, ["--help"]).output
