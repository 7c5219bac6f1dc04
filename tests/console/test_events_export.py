import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from console.events import events
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.states import State
from tests.eventlog.stored import accept, an_event, opened, run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def log(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[EventLog]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)
    log = opened(database_url)
    yield log
    log.close()


def export(*arguments: str) -> Result:
    result = CliRunner().invoke(events, ["export", *arguments])
    assert result.exit_code == 0, result.output
    return result


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_line_is_one_event_with_all_that_is_known(log: EventLog) -> None:
    record(log, [an_event("a", subject="m1", body='{"ü":"\u2028"}\n'.encode())])
    record(log, [an_event("b", body=b"\xff")])
    run(log, "a", {"one": State.DONE})
    first, second = lines(export())
    assert (first["seq"], first["id"], first["subject"], first["state"]) == (1, "a", "m1", "done")
    assert first["deliveries"][0]["state"] == "done"
    assert first["body"] == '{"ü":"\u2028"}\n'
    assert base64.b64decode(second["body_base64"]) == b"\xff"


def test_an_export_goes_on_from_any_line_and_from_its_end(log: EventLog) -> None:
    accept(log, *(f"evt_{number:03}" for number in range(250)))
    everything = lines(export())
    assert [event["id"] for event in everything] == [f"evt_{number:03}" for number in range(250)]
    part = lines(export("--limit", "120"))
    rest = export("--cursor", str(part[-1]["seq"]))
    assert part + lines(rest) == everything
    assert rest.stderr.splitlines()[-1] == f"go on from here with: --cursor {everything[-1]['seq']}"


def test_a_filter_that_matches_nothing_gives_a_cursor(log: EventLog) -> None:
    accept(log, "a", "b")
    result = export("--type", "agent.*")
    assert result.stdout == ""
    assert result.stderr == "go on from here with: --cursor 2\n"


def test_a_file_is_written_and_never_overwritten(log: EventLog, tmp_path: Path) -> None:
    accept(log, "a")
    target = tmp_path / "events.jsonl"
    assert export("--output", str(target)).stdout == ""
    assert json.loads(target.read_text())["id"] == "a"
    again = CliRunner().invoke(events, ["export", "--output", str(target)])
    assert again.exit_code == 1
    assert "exists already" in again.output
    missing = CliRunner().invoke(events, ["export", "--output", str(tmp_path / "none" / "x")])
    assert missing.exit_code == 1
    assert "can't be written: No such file or directory" in missing.output


def test_an_export_whose_reader_left_goes_on_where_it_was(log: EventLog) -> None:
    body = json.dumps({"x": "y" * 1000}).encode()
    record(log, [an_event(f"evt_{number:03}", body=body) for number in range(300)])
    process = subprocess.Popen(
        (sys.executable, "-m", "console", "events", "export"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    read = [json.loads(process.stdout.readline()) for _ in range(3)]
    process.stdout.close()
    process.stderr.read()
    assert process.wait(20) == 1
    rest = lines(export("--cursor", str(read[-1]["seq"])))
    assert [event["id"] for event in read + rest] == [f"evt_{number:03}" for number in range(300)]
