"""What `hooks up` prints of a process's log lines: words, one line each."""

import json
from typing import Any

import pytest

from console.up.display import show_log_line

AT = "2026-11-22T12:00:00+00:00"


def shown(capsys: pytest.CaptureFixture[str], process: str = "worker", **fields: Any) -> str:
    show_log_line(process, json.dumps({"timestamp": AT, "level": "info", "logger": "worker"} | fields))
    return capsys.readouterr().out.split("  ", 1)[1]


def test_an_error_of_several_lines_is_told_by_its_first(capsys: pytest.CaptureFixture[str]) -> None:
    line = shown(
        capsys,
        event="delivery_waiting",
        event_id="e1",
        handler="two",
        attempt=1,
        error="ValueError: no limit\nsecond line",
    )
    assert line == "ran       e1  two  failed: ValueError: no limit ...\n"


def test_a_long_name_is_kept_apart_from_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    line = shown(capsys, "worker-reports", event="worker_ready", handlers=7, queue="reports")
    assert line == "worker-reports  ready, 7 handlers, queue reports\n"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"event": "event_handed_on", "event_id": "e1"}, "e1  to its handlers' own queues"),
        ({"event": "replay_fed", "replay": 3}, "3: all of its events are handed out"),
        (
            {"event": "replay_next_stage", "replay": 3, "after": 11},
            "3: the first 11 ended well, it goes on with more",
        ),
        ({"event": "replay_stopped", "replay": 3, "reason": "e1 h: E"}, "3: stopped, e1 h: E"),
        (
            {"event": "job_missed", "events": 2, "first": "e1"},
            "sent jobs for 2 that waited in the log alone, e1 first",
        ),
        (
            {"event": "lease_expired", "events": 1, "first": "e1"},
            "queued 1 again whose worker vanished, e1 first",
        ),
    ],
)
def test_what_the_clock_and_the_workers_do_is_told_in_words(
    capsys: pytest.CaptureFixture[str], fields: dict[str, Any], told: str
) -> None:
    assert shown(capsys, "clock", **fields)[10:].strip() == told
