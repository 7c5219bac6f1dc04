"""An incident as a test of its own: redacted, and failing as the handler did."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from console.events import events
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.states import State
from eventlog.tables import events as stored_events
from handlers.testing import make_event
from tests.eventlog.stored import opened, run
from tests.handlers.conftest import modules_restored

__all__ = ["modules_restored"]

ROOT = Path(__file__).parents[2]
MODULE = """
from handlers import Context, Event, Router

inner = Router()
router = inner


@router.on("agent.failed", retries=0)
def explain(event: Event, ctx: Context) -> None:
    if event.data["status"] == "failed":
        raise KeyError(event.data["error"])


@router.on("agent.failed", name="second")
def other(event: Event, ctx: Context) -> None:
    if "secret" in event.data["error"]:
        raise ValueError


@router.on("agent.failed", retries=3, deadline=30)
def hurried(event: Event, ctx: Context) -> None:
    if event.data["status"] == "failed":
        raise KeyError(event.data["error"])


router.on("agent.failed", name="unnamed")(lambda event, ctx: event.data["none"])
"""
EVENT = make_event(
    "agent.failed", id='evt_"1"\\', agentId="agent_9", status="failed", error="a secret of joe@example.com"
)


@pytest.fixture
def log(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, modules_restored: None
) -> Iterator[EventLog]:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("HOOKS_HANDLERS", "incident_handlers")
    monkeypatch.setenv("HOOKS_BUILTIN_HANDLERS", "false")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "incident_handlers.py").write_text(MODULE)
    log = opened(sqlite_url)
    record(log, [EVENT])
    yield log
    log.close()


def export(*arguments: str, event_id: str = EVENT.id) -> Result:
    return CliRunner().invoke(events, ["export", event_id, "--pytest", *arguments])


def exported(*arguments: str) -> str:
    result = export(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def outcome_of(text: str, folder: Path) -> str:
    """Run the exported test, as a user would."""
    (folder / "test_incident.py").write_text(text)
    done = subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_incident.py"),
        cwd=folder,
        env=os.environ
        | {
            "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # it needs none, and schemathesis' alone takes seconds
            "PYTHONDONTWRITEBYTECODE": "1",  # an edit within one second and of one length would go unseen
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout


def test_the_test_is_redacted_and_fails_as_the_incident_did(log: EventLog, tmp_path: Path) -> None:
    run(log, EVENT.id, {"explain": State.DEAD}, message="'a secret of joe@example.com'")
    assert export("--output", "test_incident.py").exit_code == 0
    text = (tmp_path / "test_incident.py").read_text()
    assert "secret" not in text
    assert "joe" not in text
    assert "agent_9" not in text
    assert '"status":"failed"' in text  # the handler's module names it
    assert "--no-redact" in text
    assert "ValueError in handler explain" in text
    outcome = outcome_of(text, tmp_path)
    assert "1 failed" in outcome
    assert "KeyError: 'c cccccc cc ccc@ccccccc.ccc'" in outcome
    mended = (tmp_path / "incident_handlers.py").read_text().replace('== "failed"', '== "mended"')
    (tmp_path / "incident_handlers.py").write_text(mended)
    assert "1 passed" in outcome_of(text, tmp_path)


@pytest.mark.long
def test_of_a_handler_with_a_deadline_it_fails_as_the_incident_did_long_after(
    sqlite_url: str, log: EventLog, tmp_path: Path
) -> None:
    with log.write() as connection:
        connection.execute(update(stored_events).values(received_at=datetime(2026, 1, 30, tzinfo=UTC)))
    run(log, EVENT.id, {"hurried": State.DEAD})
    text = exported()
    assert "datetime.fromisoformat('2026-01-30T00:00:00" in text
    outcome = outcome_of(text, tmp_path)
    assert "1 failed" in outcome
    assert "KeyError: 'c cccccc cc ccc@ccccccc.ccc'" in outcome
    assert "DeadlinePassed" not in outcome
    mended = (tmp_path / "incident_handlers.py").read_text().replace('== "failed"', '== "mended"')
    (tmp_path / "incident_handlers.py").write_text(mended)
    assert "1 passed" in outcome_of(text, tmp_path)


def test_in_full_it_holds_the_texts_and_the_message(log: EventLog) -> None:
    run(log, EVENT.id, {"explain": State.DEAD}, message="no such\nthing")
    text = exported("--no-redact")
    assert "a secret of joe@example.com" in text
    assert "    # ValueError: no such\n    # thing\n" in text
    assert "look through it before you share it" in text
    compile(text, "test_incident.py", "exec")


def test_of_several_handlers_one_is_to_be_chosen(log: EventLog) -> None:
    run(log, EVENT.id, {"explain": State.DEAD, "second": State.DEAD, "unnamed": State.DONE})
    refused = export()
    assert refused.exit_code == 2
    assert "several handlers failed" in refused.output
    assert "--handler explain|second" in refused.output
    assert "from incident_handlers import other\n" in exported("--handler", "second")
    wrong = export("--handler", "unnamed")
    assert wrong.exit_code == 1
    assert "handler unnamed has not failed" in wrong.output


def test_a_handler_without_a_name_of_its_own_is_taken_from_its_router(log: EventLog) -> None:
    run(log, EVENT.id, {"unnamed": State.DEAD})
    text = exported()
    assert "from incident_handlers import inner\n" in text
    assert "run(next(each for each in inner.handlers if each.name == 'unnamed'), EVENT)" in text


def test_an_event_without_a_failure_has_nothing_to_test(log: EventLog) -> None:
    run(log, EVENT.id, {"explain": State.DONE})
    result = export()
    assert result.exit_code == 1
    assert "has no failed delivery" in result.output


def test_a_handler_that_is_not_registered_here_is_named(log: EventLog) -> None:
    run(log, EVENT.id, {"gone": State.DEAD})
    result = export()
    assert result.exit_code == 1
    assert "no handler named gone is registered here" in result.output


def test_an_unknown_event_is_told(log: EventLog) -> None:
    result = export(event_id="evt_x")
    assert result.exit_code == 1
    assert "there is no event 'evt_x'" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pytest"], "name it, as in export evt_123 --pytest"),
        (["--no-redact"], "name it"),
        (["evt_1"], "an ID goes with --pytest"),
        (["evt_1", "--pytest", "--type", "agent.*"], "--type chooses among events"),
        (["evt_1", "--pytest", "--cursor", "3"], "--cursor chooses among events"),
    ],
)
def test_wrong_usage_is_told(log: EventLog, arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(events, ["export", *arguments])
    assert result.exit_code == 2
    assert words in result.output
