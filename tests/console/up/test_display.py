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
        ({"event": "event_handed_on", "event_id": "e1"}, "e1  to handlers that run apart"),
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
        (
            {
                "event": "stamina.retry_scheduled",
                "callable": "<context block>",
                "args": [],
                "kwargs": {},
                "retry_num": 2,
                "caused_by": "InternalError('GET /models: ChaozCode answered 500')",
                "wait_for": 0.5,
                "waited_so_far": 0.25,
            },
            "called again in 0.5 s: InternalError('GET /models: ChaozCode answered 500')",
        ),
    ],
)
def test_what_the_clock_and_the_workers_do_is_told_in_words(
    capsys: pytest.CaptureFixture[str], fields: dict[str, Any], told: str
) -> None:
    assert shown(capsys, "clock", **fields)[10:].strip() == told


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"event": "sandbox_ready", "chaozcode": "http://h:1/v2", "chucky": "http://h:1"},
            "ready, ChaozCode at http://h:1/v2, Chucky at http://h:1",
        ),
        (
            {
                "event": "sandbox_answered",
                "method": "POST",
                "path": "/v2/query",
                "status": 200,
                "milliseconds": 1.5,
            },
            "POST /v2/query  200 in 1.5 ms",
        ),
        (
            {
                "event": "sandbox_answered",
                "method": "GET",
                "path": "/usage",
                "status": 500,
                "milliseconds": 1,
                "fault": "500",
            },
            "GET /usage  500 in 1 ms, as a fault was set: 500",
        ),
        ({"event": "sandbox_stopped"}, "stopped"),
        (
            {
                "event": "webhook_sent",
                "event_id": "e1",
                "type": "memory.stored",
                "status": 202,
                "attempt": 1,
                "state": "delivered",
                "milliseconds": 7,
            },
            "e1  memory.stored  webhook sent: 202 in 7 ms",
        ),
        (
            {
                "event": "webhook_sent",
                "event_id": "e1",
                "type": "memory.stored",
                "status": None,
                "reason": "refused\nmore",
                "attempt": 2,
                "state": "waiting",
                "milliseconds": 7,
            },
            "e1  memory.stored  webhook sent: refused ... in 7 ms, attempt 2, sent again soon",
        ),
    ],
)
def test_what_the_sandbox_does_is_told_in_words(
    capsys: pytest.CaptureFixture[str], fields: dict[str, Any], told: str
) -> None:
    assert shown(capsys, "sandbox", **fields) == f"sandbox   {told}\n"
