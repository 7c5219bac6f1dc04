import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.replay import replay
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.event import Event
from eventlog.heartbeats import sign_off
from eventlog.replays import read_outcomes, read_replay, read_replays
from eventlog.schema import upgrade
from eventlog.states import State
from tests.console.stored import NOON, beat_all, feed_all, run, store
from tests.servers.waiting import wait_until

ROOT = Path(__file__).parents[2]
MODULE = """
from handlers import Router

router = Router()

@router.on("memory.*")
def remember(event, ctx):
    pass

@router.on("memory.stored", "agent.failed")
def explain(event, ctx):
    pass
"""


@pytest.fixture
def log(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventLog]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("HOOKS_BUILTIN_HANDLERS", "0")
    name = f"replayed_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.setenv("HOOKS_HANDLERS", name)
    opened = EventLog.open(sqlite_url)
    upgrade(opened)
    yield opened
    opened.close()


def hooks_replay(*arguments: str) -> Result:
    return CliRunner().invoke(replay, arguments)


@contextmanager
def running(log: EventLog, outcomes: Mapping[str, State]) -> Iterator[None]:
    """Play clock and worker in the background."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.02):
            for number, ids in feed_all(log).items():
                run(log, outcomes, *ids, replay=number)

    beat_all(log)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def done(log: EventLog, *ids: str) -> None:
    run(log, {"remember": State.DONE, "explain": State.DONE}, *ids)


def test_given_events_are_replayed_and_the_outcome_is_told(log: EventLog) -> None:
    store(log, "evt_1", "evt_2", "evt_3")
    done(log, "evt_1", "evt_2", "evt_3")
    with running(log, {"remember": State.DONE, "explain": State.DONE}):
        result = hooks_replay("evt_1", "evt_3", "evt_1", "--reason", "the disk was full")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "2 events match.",
        "Replay 1 is recorded.",
        "Replay 1 is done. 2 events, 4 deliveries: 4 done.",
    ]
    recorded = read_replay(log, 1)
    assert recorded
    assert recorded.reason == "the disk was full"
    assert "@" in recorded.who
    assert recorded.selection.ids == ("evt_1", "evt_3")
    assert recorded.handlers == {"remember": ["memory.*"], "explain": ["memory.stored", "agent.failed"]}


def test_a_dead_delivery_is_named_and_a_failure(log: EventLog) -> None:
    store(log, "evt_1")
    done(log, "evt_1")
    with running(log, {"remember": State.DONE, "explain": State.DEAD}):
        result = hooks_replay("evt_1")
    assert result.exit_code == 1
    assert "2 deliveries: 1 done, 1 dead." in result.output
    assert result.output.splitlines()[-1].split() == ["evt_1", "explain", "KeyError:", "'colour'"]


def test_a_retry_to_come_is_not_waited_for(log: EventLog) -> None:
    store(log, "evt_1")
    done(log, "evt_1")
    with running(log, {"remember": State.DONE, "explain": State.WAITING}):
        result = hooks_replay("evt_1")
    assert result.exit_code == 0
    assert "1 to be tried again later: hooks replays show 1" in result.output


def test_what_is_in_flight_is_left_out_and_named(log: EventLog) -> None:
    store(log, "evt_1", "evt_2")
    done(log, "evt_1")
    with running(log, {"remember": State.DONE, "explain": State.DONE}):
        result = hooks_replay("--all", "--yes")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert "Left out, because still in flight:" in lines
    assert [line.split() for line in lines[-2:]] == [["evt_2", "remember"], ["evt_2", "explain"]]


def test_a_handler_is_given_events_from_before_it_existed(log: EventLog) -> None:
    store(log, "evt_old", kind="agent.failed")
    run(log, {}, "evt_old")
    store(log, "evt_other", kind="usage.threshold")
    run(log, {}, "evt_other")
    with running(log, {"explain": State.DONE}):
        result = hooks_replay("--handler", "explain", "--yes")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0] == "2 events match; 1 event with the handler explain for their type."
    assert "1 delivery: 1 done." in result.output


def test_filters_choose_by_type_state_and_time(log: EventLog) -> None:
    store(log, "evt_early", at=NOON - timedelta(hours=1))
    store(log, "evt_late", at=NOON + timedelta(hours=1))
    store(log, "evt_agent", kind="agent.failed")
    done(log, "evt_early", "evt_late")
    run(log, {"explain": State.DEAD}, "evt_agent")
    for arguments, expected in {
        ("--type", "memory.*"): ["evt_early", "evt_late"],
        ("--state", "dead"): ["evt_agent"],
        ("--since", "2026-01-30T12:00:00Z"): ["evt_late", "evt_agent"],
        ("--until", "2026-01-30T12:00:00Z"): ["evt_early"],
        ("--type", "*", "--since", "2026-01-30T12:30:00Z"): ["evt_late"],
        ("--all", "--only-failed"): ["evt_agent"],
        ("--handler", "remember"): ["evt_early", "evt_late"],
        ("evt_late",): ["evt_late"],
    }.items():
        result = hooks_replay(*arguments, "--dry-run", "--json")
        assert result.exit_code == 0, result.output
        plan = json.loads(result.stdout)
        assert [event["id"] for event in plan["listed"]] == expected, arguments
        assert plan["events"] == len(expected)
        for event in plan["listed"]:
            assert ("remember" in event["handlers"]) == (event["id"] != "evt_agent")


def test_only_failed_looks_at_a_handlers_last_run(log: EventLog) -> None:
    store(log, "evt_mended", "evt_broken")
    run(log, {"remember": State.DONE, "explain": State.DEAD}, "evt_mended", "evt_broken")
    with running(log, {"explain": State.DONE}):
        hooks_replay("evt_mended", "--handler", "explain")
    with running(log, {"remember": State.DONE, "explain": State.DONE}):
        result = hooks_replay("--all", "--only-failed", "--yes")
    assert (
        result.output.splitlines()[0] == "2 events match; 1 event with a handler whose last run ended dead."
    )
    assert read_outcomes(log, 2) == {State.DONE: 1}
    assert "3 deliveries not repeated" in result.output


def test_a_dry_run_lists_and_changes_nothing(log: EventLog) -> None:
    store(log, *(f"evt_{number}" for number in range(120)))
    done(log, *(f"evt_{number}" for number in range(120)))
    result = hooks_replay("--type", "memory.stored", "--dry-run")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "120 events match."
    assert lines[2].split()[:3] == ["evt_0", "memory.stored", "done"]
    assert lines[2].endswith("  remember, explain")
    assert "and 20 more" in lines
    assert lines[-1] == "A dry run: nothing was changed."
    assert read_replays(log) == []


def test_over_ten_thousand_events_are_not_counted(log: EventLog) -> None:
    ids = [f"evt_{number}" for number in range(10_002)]
    record(log, [Event(id=i, type="memory.stored", received_at=NOON, body=b"{}") for i in ids])
    result = hooks_replay("--all", "--dry-run")
    assert result.output.splitlines()[0] == "more than 10,000 events match."
    assert "and over 9,900 more" in result.output


def test_without_a_clock_or_worker_it_is_recorded_and_not_waited_for(log: EventLog) -> None:
    store(log, "evt_1")
    done(log, "evt_1")
    beat_all(log)
    sign_off(log, name="a clock")
    result = hooks_replay("evt_1")
    assert result.exit_code == 0
    assert "It goes on when `hooks clock` runs" in result.output
    sign_off(log, name="a worker")
    assert "`hooks clock` and `hooks worker` run," in hooks_replay("evt_1").output
    assert len(read_replays(log)) == 2


def test_no_wait_returns_at_once(log: EventLog) -> None:
    store(log, "evt_1")
    beat_all(log)
    result = hooks_replay("evt_1", "--no-wait", "--rate", "5")
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "Replay 1 is recorded."
    recorded = read_replay(log, 1)
    assert recorded
    assert recorded.rate == 5


def test_json_is_one_object_on_standard_output(log: EventLog) -> None:
    store(log, "evt_1")
    done(log, "evt_1")
    with running(log, {"remember": State.DONE, "explain": State.DEAD}):
        result = hooks_replay("evt_1", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["replay"], told["state"], told["events"]) == (1, "done", 1)
    assert told["deliveries"] == {"done": 1, "dead": 1}
    assert told["dead"] == [
        {
            "event_id": "evt_1",
            "handler": "explain",
            "error_type": "KeyError",
            "message": "'colour'\nand more",
        }
    ]


def test_effects_are_kept_when_asked_for(log: EventLog) -> None:
    store(log, "evt_1")
    run(log, {"remember": State.DONE, "explain": State.DONE}, "evt_1")
    for options in ([], ["--keep-effects"]):
        assert hooks_replay("evt_1", "--no-wait", *options).exit_code == 0
    assert [made.keep_effects for made in read_replays(log)] == [True, False]


def test_unknown_ids_are_named_and_nothing_is_replayed(log: EventLog) -> None:
    store(log, "evt_1")
    result = hooks_replay("evt_1", "evt_2", "evt_3")
    assert result.exit_code == 1
    assert "'evt_2', 'evt_3'" in result.output
    assert read_replays(log) == []


def test_no_match_is_no_failure_and_leaves_no_record(log: EventLog) -> None:
    result = hooks_replay("--state", "dead", "--yes")
    assert result.exit_code == 0
    assert result.output == "0 events match.\n"
    assert json.loads(hooks_replay("--all", "--json").stdout) == {"replay": None, "events": 0}
    assert read_replays(log) == []


def test_a_named_event_that_no_handler_wants_is_a_failure(log: EventLog) -> None:
    store(log, "evt_1", kind="usage.threshold")
    run(log, {}, "evt_1")
    result = hooks_replay("evt_1")
    assert result.exit_code == 1
    assert "1 event matches; none with a handler for their type." in result.output


def test_an_unknown_handler_is_named_with_those_there_are(log: EventLog) -> None:
    result = hooks_replay("--all", "--handler", "explian")
    assert result.exit_code == 1
    assert "no handler 'explian'; registered are remember, explain" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "say what to replay"),
        (["--only-failed"], "say what to replay"),
        (["evt_1", "--type", "memory.stored"], "not both"),
        (["evt_1", "--all"], "not both"),
        (["--all", "--type", "memory.stored"], "without filters"),
        (["--type", ""], "--type"),
        (["--type", "mem*"], "a family"),
        (["--subject", ""], "was a variable unset?"),
        (["--handler", ""], "was a variable unset?"),
        ([""], "was a variable unset?"),
        (["--since", "2026-01-31", "--until", "2026-01-30"], "earlier"),
        (["--since", "yesterday"], "--since"),
        (["--all", "--rate", "0"], "--rate"),
        (["--state", "lost"], "--state"),
    ],
)
def test_wrong_usage(log: EventLog, arguments: list[str], words: str) -> None:
    result = hooks_replay(*arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_without_a_terminal_filters_need_yes(log: EventLog) -> None:
    store(log, "evt_1")
    result = hooks_replay("--all")
    assert result.exit_code == 2
    assert "1 event matches." in result.output
    assert "--yes" in result.output
    assert read_replays(log) == []


@pytest.mark.parametrize(("answer", "replays"), [("y", 1), ("n", 0)])
def test_on_a_terminal_it_asks(log: EventLog, answer: str, replays: int) -> None:
    store(log, "evt_1")
    ours, theirs = pty.openpty()
    asking = subprocess.Popen(
        [sys.executable, "-m", "console", "replay", "--all"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    os.write(ours, f"{answer}\n".encode())
    output, _ = asking.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert "Replay? [y/N]" in output
    assert asking.returncode == (0 if replays else 1), output
    assert ("nothing was replayed" in output) == (not replays)
    assert len(read_replays(log)) == replays


def test_ctrl_c_leaves_the_replay_running(log: EventLog) -> None:
    store(log, "evt_1")
    done(log, "evt_1")
    beat_all(log)
    waiting = subprocess.Popen(
        [sys.executable, "-m", "console", "replay", "evt_1", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert waiting.stderr
    assert waiting.stderr.readline() == "1 event matches.\n"
    assert waiting.stderr.readline() == "Replay 1 is recorded.\n"
    wait_until(lambda: read_replays(log))
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.5)
    waiting.send_signal(signal.SIGINT)
    output, errors = waiting.communicate(timeout=10)
    assert waiting.returncode == 0, errors
    assert "The replay goes on; see: hooks replays show 1" in errors
    assert json.loads(output)["state"] == "running"
