import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text, update

from console.doctor import doctor
from console.doctor.storage import check_durability
from eventlog.database import EventLog
from eventlog.heartbeats import beat
from eventlog.revision import HEAD
from eventlog.states import State
from eventlog.tables import events, heartbeats
from tests.eventlog.stored import accept, make_overdue, opened, run
from workers.queue.registries import QueueRegistries

VARIABLES = ("DATABASE_URL", "REDIS_URL", "CHAOZCODE_WEBHOOK_SECRET", "HOOKS_HOME", "HOOKS_HANDLERS", "PORT")


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def log(
    sqlite_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, no_configuration: None
) -> Iterator[EventLog]:
    """Return the log of an installation in which all is well."""
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("CHAOZCODE_WEBHOOK_SECRET", "a secret for tests".replace(" ", "-"))
    log = opened(sqlite_url)
    for kind in ("receiver", "worker", "clock"):
        beat(log, name=f"{kind}@here:1", kind=kind)
    yield log
    log.close()


def examine(*arguments: str) -> Result:
    return CliRunner().invoke(doctor, arguments)


def findings(result: Result) -> dict[str, dict[str, Any]]:
    """Return the worst finding of each check."""
    order = ("ok", "mended", "warning", "problem")
    found = json.loads(result.stdout)["findings"]
    return {one["check"]: one for one in sorted(found, key=lambda one: order.index(one["level"]))}


def test_all_well_is_told_line_by_line_and_ends_with_0(log: EventLog) -> None:
    result = examine()
    assert result.exit_code == 0, result.output
    assert all(line.startswith("ok ") for line in result.stdout.splitlines()[:-2])
    assert result.stdout.splitlines()[-1] == "no problems, no warnings"
    as_json = examine("--json")
    assert json.loads(as_json.stdout)["ok"] is True
    assert {one["level"] for one in findings(as_json).values()} == {"ok"}
    assert set(findings(as_json)) == {
        *("settings", "webhook secret", "database", "durability", "receiver", "worker", "clock"),
        *("queues", "reconciled", "backlog", "dead", "order", "replays", "redis", "queue", "handlers"),
    }


def test_each_wrong_variable_is_a_problem_that_repeats_no_secret(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "many")
    monkeypatch.setenv("REDIS_URL", "http://user:hunter2@host")
    result = examine("--json")
    assert result.exit_code == 1
    messages = [one["message"] for one in json.loads(result.stdout)["findings"] if one["check"] == "settings"]
    assert any("PORT" in message and "many" in message for message in messages)
    assert any("REDIS_URL" in message for message in messages)
    assert "hunter2" not in result.output
    assert findings(result)["reconciled"]["level"] == "ok"


def test_a_missing_secret_is_a_problem_and_the_development_secret_is_not(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CHAOZCODE_WEBHOOK_SECRET")
    finding = findings(examine("--json"))["webhook secret"]
    assert finding["level"] == "problem"
    assert "CHAOZCODE_WEBHOOK_SECRET is not set" in finding["message"]
    (tmp_path / ".hooks").mkdir()
    (tmp_path / ".hooks" / "webhook-secret").write_text("made-by-hooks-up")
    result = examine("--json")
    assert result.exit_code == 0, result.output
    assert "development secret" in findings(result)["webhook secret"]["message"]
    assert "made-by-hooks-up" not in result.output


def test_a_secret_too_short_is_a_problem(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAOZCODE_WEBHOOK_SECRET", "short")
    assert "at least 8 characters" in findings(examine("--json"))["webhook secret"]["message"]


def test_a_log_that_is_not_there_is_a_problem_and_is_not_made_by_looking(tmp_path: Path) -> None:
    result = examine("--json")
    assert result.exit_code == 1
    assert "no event log" in findings(result)["database"]["message"]
    assert "hooks db upgrade" in findings(result)["database"]["todo"]
    assert findings(result)["handlers"]["level"] == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_log_without_tables_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")
    finding = findings(examine("--json"))["database"]
    assert (finding["level"], finding["todo"]) == ("problem", "run: hooks db upgrade")


def test_tables_of_a_newer_release_are_a_warning(log: EventLog) -> None:
    with log.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    result = examine("--json")
    assert result.exit_code == 0, result.output
    found = findings(result)["database"]
    assert found["level"] == "warning"
    assert f"(revision 9999) are newer than this release ({HEAD})" in found["message"]


def test_a_database_that_does_not_answer_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hunter2@127.0.0.1:1/name")
    result = examine("--json")
    assert findings(result)["database"]["level"] == "problem"
    assert "hunter2" not in result.output


def test_redis_away_is_a_problem_and_the_rest_is_checked(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/none.sock")
    result = examine("--json")
    assert result.exit_code == 1
    assert "nothing is lost" in findings(result)["redis"]["message"]
    assert findings(result)["handlers"]["level"] == "ok"


def test_a_kind_of_process_with_none_alive_is_a_problem_and_one_that_vanished_a_warning(
    log: EventLog,
) -> None:
    beat(log, name="worker@here:2", kind="worker")
    with log.write() as connection:
        connection.execute(
            update(heartbeats)
            .where(heartbeats.c.name.in_(("worker@here:1", "clock@here:1")))
            .values(beat_at=datetime.now(UTC) - timedelta(minutes=3))
        )
    result = examine("--json")
    assert result.exit_code == 1
    assert findings(result)["clock"]["level"] == "problem"
    assert findings(result)["clock"]["todo"].startswith("run: hooks clock")
    assert findings(result)["worker"]["level"] == "warning"
    assert "worker@here:1 vanished 3 min ago" in findings(result)["worker"]["message"]


def test_handlers_that_do_not_load_are_a_problem(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken_hooks.py").write_text("print('not JSON')\nraise SystemExit(3)\n")
    monkeypatch.setenv("HOOKS_HANDLERS", "broken_hooks")
    result = examine("--json")
    assert result.exit_code == 1
    assert "broken_hooks" in findings(result)["handlers"]["message"]


def test_a_pattern_that_matches_nothing_known_is_a_warning(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "misspelt_hooks.py").write_text(
        "from handlers import Router\n"
        "router = Router()\n"
        "@router.on('memory.created')\n"
        "def keep(event, ctx): ...\n"
    )
    monkeypatch.setenv("HOOKS_HANDLERS", "misspelt_hooks")
    result = examine("--json")
    assert result.exit_code == 0
    assert "did you mean 'memory.updated'?" in findings(result)["handlers"]["message"]


def test_stranded_events_are_a_problem_that_names_the_first(log: EventLog) -> None:
    ids = [f"evt_{number}" for number in range(7)]
    accept(log, *ids)
    make_overdue(log, ids, timedelta(minutes=2))
    result = examine()
    assert result.exit_code == 1
    assert "problem  stranded: 7 events unfinished and more than 60 s overdue: evt_0" in result.stdout
    assert "hooks clock" in result.stdout


def test_what_gave_up_lately_is_a_warning(log: EventLog) -> None:
    accept(log, "evt_1")
    run(log, "evt_1", {"explain": State.DEAD})
    result = examine("--json")
    assert result.exit_code == 0
    finding = findings(result)["dead"]
    assert finding["level"] == "warning"
    assert finding["message"] == "1 gave up in the last 24 h: evt_1 explain"
    assert "hooks events list --state dead" in finding["todo"]


def test_settings_of_postgresql_that_can_lose_commits_are_warnings(postgres_url: str) -> None:
    log = opened(f"{postgres_url}&options=-csynchronous_commit%3Doff")
    (finding,) = check_durability(log)
    assert finding.level == "warning"
    assert "synchronous_commit off" in finding.message
    log.close()


def test_what_is_stranded_is_mended_and_its_job_sent(log: EventLog, redis_url: str) -> None:
    accept(log, "evt_1", "evt_2")
    with log.write() as connection:
        connection.execute(update(events).where(events.c.id == "evt_2").values(due_at=None))
    result = examine("--json")
    assert result.exit_code == 1
    assert findings(result)["never due"]["ids"] == ["evt_2"]
    assert findings(result)["never due"]["todo"] == "run: hooks doctor --fix"

    result = examine("--fix")
    assert result.exit_code == 0, result.output
    assert "mended   never due: 1 events unfinished without a due time" in result.stdout
    assert result.stdout.splitlines()[-1] == "no problems, no warnings, 1 mended"
    with closing(QueueRegistries.connect(redis_url)) as registries:
        assert [job.event_ids for job in registries.read().jobs] == [("evt_2",)]

    result = examine("--fix", "--all", "--json")
    assert {one["level"] for one in json.loads(result.stdout)["findings"]} == {"ok"}
    assert "all 2 events agree" in findings(result)["reconciled"]["message"]


def test_without_redis_the_log_is_mended_and_the_clock_sends_the_jobs(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accept(log, "evt_1")
    with log.write() as connection:
        connection.execute(update(events).values(due_at=None))
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/none.sock")
    result = examine("--fix", "--json")
    assert result.exit_code == 1
    found = findings(result)
    assert found["never due"]["level"] == "mended"
    assert "the clock sends their jobs" in found["never due"]["message"]
    assert found["redis"]["level"] == "problem"
    assert "queue" not in found
