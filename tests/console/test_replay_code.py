"""`hooks replay` by what the code did: --version, --fixed, --fingerprint and --canary."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.replay import replay
from console.replays import replays
from eventlog.canary import Step, advance
from eventlog.database import EventLog
from eventlog.replay_feed import feed
from eventlog.replays import ReplayState, read_replay, read_replays
from eventlog.schema import upgrade
from eventlog.states import State
from handlers.source import version_of
from tests.console.stored import beat_all, choose
from tests.eventlog.repeating import BOOM, OLD, OTHER, ran
from tests.eventlog.stored import accept

SOURCE = """
from handlers import Router

router = Router()

@router.on("memory.*")
def remember(event, ctx):
    pass
"""


@pytest.fixture
def log(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventLog]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("HOOKS_BUILTIN_HANDLERS", "0")
    monkeypatch.delenv("HOOKS_RELEASE", raising=False)
    name = f"repeated_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.setenv("HOOKS_HANDLERS", name)
    opened = EventLog.open(sqlite_url)
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def present(log: EventLog) -> str:
    """Return the version of the handler that is registered."""
    from console.handlers import registered  # noqa: PLC0415 - after the environment is set

    (handler,) = registered().handlers
    assert handler.version == version_of(handler.function)
    return handler.version


def hooks_replay(*arguments: str) -> Result:
    return CliRunner().invoke(replay, arguments)


def died(log: EventLog, *ids: str, version: str = OLD, release: str | None = None) -> None:
    accept(log, *ids)
    for event_id in ids:
        ran(log, event_id, State.DEAD, handler="remember", version=version, release=release)


def foreseen(*arguments: str) -> list[str]:
    result = hooks_replay(*arguments, "--json", "--dry-run")
    assert result.exit_code == 0, result.output
    plan = json.loads(result.stdout)
    assert [event["handlers"] for event in plan["listed"]] == [["remember"]] * plan["events"]
    return [event["id"] for event in plan["listed"]]


@contextmanager
def going_on(log: EventLog, outcome: Callable[[str], State]) -> Iterator[None]:
    """Play clock and worker in the background; `outcome` says how the handler ends with an event."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.02):
            for running in read_replays(log, state=ReplayState.RUNNING):
                may_go_on = (Step.FEED, Step.NEXT_STAGE)
                if running.canary is not None and advance(log, running).step not in may_go_on:
                    continue
                for event_id in feed(log, running.id, turn=1000, choose=choose).event_ids:
                    ran(log, event_id, outcome(event_id), handler="remember", replay=running.id)

    beat_all(log)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_version_that_nothing_ran_under_is_told_how_to_be_given(log: EventLog) -> None:
    died(log, "evt_old")
    found = hooks_replay("--version", OLD[:5], "--yes")
    assert (found.exit_code, found.stdout) == (0, "0 deliveries of 0 events match.\n")
    assert f"must have been by '{OLD[:5]}'" in found.stderr
    assert "6 digits or more" in found.stderr
    assert hooks_replay("--version", OLD[:6], "--dry-run").stderr == ""


def test_a_version_is_chosen_by_hash_or_release(log: EventLog) -> None:
    died(log, "evt_old")
    died(log, "evt_released", version="cccccc333333", release="2026.11")
    assert foreseen("--version", OLD) == ["evt_old"]
    assert foreseen("--version", OLD[:6], "--handler", "remember") == ["evt_old"]
    assert foreseen("--version", "2026.11", "--type", "memory.stored") == ["evt_released"]
    assert hooks_replay("--version", OLD, "--dry-run").output.splitlines()[0] == (
        "1 delivery of 1 event matches."
    )


def test_fixed_compares_with_the_code_that_is_here_now(
    log: EventLog, present: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    died(log, "evt_old")
    died(log, "evt_present", version=present)
    assert foreseen("--fixed") == ["evt_old"]
    monkeypatch.setenv("HOOKS_RELEASE", "2026.12")
    assert foreseen("--fixed") == ["evt_old", "evt_present"]
    result = hooks_replay("--fixed", "--yes", "--no-wait")
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "2 deliveries of 2 events match."
    recorded = read_replay(log, 1)
    assert recorded
    assert recorded.selection.last_run
    assert recorded.selection.last_run.fixed_in
    assert recorded.selection.last_run.fixed_in.versions == {"remember": present}
    assert recorded.selection.last_run.fixed_in.release == "2026.12"


def test_a_fingerprint_may_be_given_by_its_first_digits(log: EventLog) -> None:
    died(log, "evt_1")
    accept(log, "evt_2")
    ran(log, "evt_2", State.DEAD, handler="remember", fingerprint=OTHER)
    assert foreseen("--fingerprint", BOOM) == ["evt_1"]
    assert foreseen("--fingerprint", OTHER[:15].upper()) == ["evt_2"]
    several = hooks_replay("--fingerprint", "0000", "--yes")
    assert several.exit_code == 1
    assert f"several fingerprints begin with '0000', such as {BOOM} and {OTHER}" in several.output
    unknown = hooks_replay("--fingerprint", "ffff", "--yes")
    assert unknown.exit_code == 1
    assert "no failure in the log has the fingerprint 'ffff'" in unknown.output
    assert read_replays(log) == []


def test_what_was_asked_for_is_shown_again(log: EventLog) -> None:
    died(log, "evt_1")
    hooks_replay("--fingerprint", BOOM, "--version", OLD, "--fixed", "--canary", "--yes", "--no-wait")
    words = f"--version {OLD} --fingerprint {BOOM} --fixed"
    assert words in CliRunner().invoke(replays, ["list"]).output
    shown = CliRunner().invoke(replays, ["show", "1"]).output
    assert words in shown
    assert "stage 1 of 3: up to 1 delivery" in shown


def test_a_canary_goes_through_its_stages(log: EventLog) -> None:
    died(log, *(f"evt_{number}" for number in range(13)))
    with going_on(log, lambda _: State.DONE):
        result = hooks_replay("--fingerprint", BOOM, "--canary", "--yes")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "13 deliveries of 13 events match.",
        "Replay 1 is recorded.",
        "Canary: one delivery first.",
        "Canary: 1 delivery ended well; now 10 more.",
        "Canary: 11 deliveries ended well; now all others.",
        "Replay 1 is done. 13 events, 13 deliveries: 13 done.",
    ]


def test_a_canary_that_is_stopped_says_what_failed(log: EventLog) -> None:
    died(log, *(f"evt_{number}" for number in range(13)))
    with going_on(log, lambda event_id: State.DEAD if event_id == "evt_5" else State.DONE):
        result = hooks_replay("--fingerprint", BOOM, "--canary", "--yes")
    assert result.exit_code == 1
    assert (
        "The canary was stopped in stage 2 of 3: evt_5 failed again in remember, at attempt 1: "
        "ValueError: no such agent"
    ) in result.output.splitlines()
    told = json.loads(CliRunner().invoke(replays, ["show", "1", "--json"]).stdout)
    assert told["state"] == "stopped"
    assert told["canary"] == {"stage": 2, "deliveries_at_most": 11}
    assert told["ended_because"].startswith("evt_5 failed again in remember")
    assert told["deliveries"]["dead"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--canary"], "say what to replay"),
        (["evt_1", "--fixed"], "not both"),
        (["--all", "--fingerprint", "f"], "without filters"),
        (["--version", ""], "was a variable unset?"),
        (["--fingerprint", ""], "was a variable unset?"),
    ],
)
def test_wrong_usage(log: EventLog, arguments: list[str], words: str) -> None:
    result = hooks_replay(*arguments)
    assert result.exit_code == 2
    assert words in result.output
