"""Chucky's side, held to its reference; docs/api/chucky.yaml is checked against it elsewhere."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests.sandbox.whole import Whole


def answered(response: Any) -> str:
    assert response.status_code == 200, response.text
    text: str = response.json["result"]["text"]
    return text


def test_a_prompt_is_answered_as_documented(whole: Whole) -> None:
    whole.control(
        "/chucky/replies",
        text="The capital of France is Paris.",
        cost_usd=0.0012,
        seconds=1.5,
        match="France",
    )
    response = whole.prompt("What is the capital of France?")
    assert response.mimetype == "application/json"
    body = response.json
    result = {
        "type": "result",
        "subtype": "success",
        "text": "The capital of France is Paris.",
        "total_cost_usd": 0.0012,
    }
    assert body["result"] == result | {
        "duration_secs": 1.5,
        "usage": {"input_tokens": 8, "output_tokens": 8},
    }
    assert body["messages"] == [
        {"type": "assistant", "subtype": "text", "text": "The capital of France is Paris."},
        result,
    ]
    assert UUID(body["sessionId"])
    assert whole.slept == [1.5]
    assert not [name for name, _ in response.headers if "ratelimit" in name.lower()]


def test_a_stream_is_as_documented(whole: Whole) -> None:
    whole.control("/chucky/replies", text="The capital of France is Paris.", cost_usd=0.0012)
    response = whole.prompt(accept="text/event-stream")
    assert response.mimetype == "text/event-stream"
    events = [event.split("\n") for event in response.text.removesuffix("\n\n").split("\n\n")]
    assert [event[0] for event in events] == ["event: message"] * 3 + ["event: done"]
    data: list[Any] = [json.loads(event[1].removeprefix("data: ")) for event in events]
    assert data[:3] == [
        {"type": "assistant", "subtype": "text", "text": "The capital of "},
        {"type": "assistant", "subtype": "text", "text": "France is Paris."},
        {
            "type": "result",
            "subtype": "success",
            "text": "The capital of France is Paris.",
            "total_cost_usd": 0.0012,
        },
    ]
    assert list(data[3]) == ["sessionId"]


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html", "application/json"),
        ("text/event-stream", "text/event-stream"),
        ("text/event-stream, */*;q=0.1", "text/event-stream"),
    ],
)
def test_the_format_goes_by_accept(whole: Whole, accept: str | None, mimetype: str) -> None:
    assert whole.prompt(accept=accept).mimetype == mimetype


def test_without_a_script_the_message_comes_back(whole: Whole) -> None:
    assert answered(whole.prompt("Any news?")) == "You said: Any news?"


def test_an_expired_token_is_told_from_one_that_is_wrong_or_missing(whole: Whole) -> None:
    token = whole.control("/chucky/tokens", seconds=60).json["token"]
    assert whole.prompt(token=token).status_code == 200
    whole.clock.advance(seconds=60)
    for response in (
        whole.prompt(token=token),
        whole.prompt(token=token, accept="text/event-stream"),
        whole.client.get("/usage", headers={"Authorization": f"Bearer {token}"}),
    ):
        assert (response.status_code, response.json) == (401, {"error": "Token expired"})
    for wrong in ("nonsense", token[:-3] + "abc", "é.é.é", ""):
        response = whole.prompt(token=wrong)
        assert response.status_code == 401
        assert response.json["error"] in ("Invalid token", "Token required")
    assert whole.prompt(token=None).json == {"error": "Token required"}
    assert whole.client.get("/usage").json == {"error": "Token required"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"message": NaN}', "not JSON"),
        (b"[]", "JSON object"),
        (b"{}", "'message' must be a string"),
        (b'{"message": 1}', "'message' must be a string"),
        (b'{"message": "x", "options": []}', "'options' must be an object"),
        (b'{"message": "x", "option": {}}', "unknown field 'option'"),
        (b'{"message": "x", "options": {"temperature": 1}}', "unknown option 'temperature'"),
        (b'{"message": "x", "options": {"maxTurns": "5"}}', "'maxTurns' must be a number"),
        (b'{"message": "x", "options": {"maxTurns": true}}', "'maxTurns' must be a number"),
        (b'{"message": "x", "options": {"allowedTools": [1]}}', "'allowedTools' must be an array of strings"),
    ],
)
def test_a_malformed_request_is_refused_with_what_is_wrong(whole: Whole, body: bytes, words: str) -> None:
    response = whole.client.post("/prompt", data=body, content_type="application/json")
    assert response.status_code == 400
    assert words in response.json["error"]


def test_every_documented_option_is_taken(whole: Whole) -> None:
    token = whole.control("/chucky/tokens").json["token"]
    options = {
        "token": token,
        "model": "claude-sonnet-4-5-20250929",
        "systemPrompt": "Be brief.",
        "tools": [{}],
        "allowedTools": ["a"],
        "disallowedTools": ["b"],
        "maxTurns": 5,
        "maxBudgetUsd": 0.5,
        "maxThinkingTokens": 100,
        "outputFormat": {},
        "mcpServers": {},
    }
    assert whole.client.post("/prompt", json={"message": "x", "options": options}).status_code == 200


def test_usage_counts_what_prompts_cost(whole: Whole) -> None:
    whole.control("/chucky/replies", text="x", cost_usd=0.15, seconds=83.2)
    whole.prompt()
    assert whole.usage() == {
        "user_id": "demo-user",
        "issuer_id": "sandbox",
        "window": "day",
        "window_start": "2026-01-14T00:00:00.000Z",
        "allowed": True,
        "ai": {"used": 150000, "remaining": 4850000, "budget": 5000000},
        "compute": {"used": 84, "remaining": 359916, "budget": 360000},
    }


def test_each_user_has_a_budget_of_its_own_and_a_new_one_in_the_next_window(whole: Whole) -> None:
    whole.control("/chucky/budget", ai=1000, window="hour")
    other = whole.control("/chucky/tokens", sub="other", seconds=1e6).json["token"]
    whole.control("/chucky/replies", text="x", cost_usd=0.002)
    assert whole.prompt().status_code == 200
    for accept in ("application/json", "text/event-stream"):
        refused = whole.prompt(accept=accept)
        assert refused.status_code == 429
        assert refused.json == {
            "error": "user_budget_exhausted",
            "ai": {"used": 2000, "remaining": 0, "budget": 1000},
            "compute": {"used": 1, "remaining": 359999, "budget": 360000},
        }
    assert whole.usage()["allowed"] is False
    assert whole.prompt(token=other).status_code == 200
    whole.clock.advance(minutes=30)
    assert whole.usage()["window_start"] == "2026-01-14T13:00:00.000Z"
    assert whole.prompt().status_code == 200


def test_the_developers_budget_runs_out_for_all_users(whole: Whole) -> None:
    whole.control("/chucky/budget", planSeconds=10, poolSeconds=2)
    whole.control("/chucky/replies", text="x", seconds=12)
    whole.prompt()
    refused = whole.prompt()
    assert refused.status_code == 402
    assert refused.json == {
        "error": "developer_budget_exhausted",
        "used": 12,
        "available": 0,
        "planSeconds": 10,
        "poolSeconds": 2,
    }


def test_so_many_prompts_run_at_once_and_no_more(whole: Whole) -> None:
    whole.control("/chucky/budget", max=1)
    token = whole.control("/chucky/tokens", sub="user1").json["token"]
    streaming = whole.client.open(
        "/prompt",
        method="POST",
        json={"message": "x", "options": {"token": token}},
        headers={"Accept": "text/event-stream"},
        buffered=False,
    )
    assert next(streaming.iter_encoded())
    whole.clock.advance(seconds=45)
    refused = whole.prompt()
    assert refused.status_code == 429
    ((session,), body) = refused.json["sessions"], refused.json
    assert body == {"error": "concurrent_limit_reached", "active": 1, "max": 1, "sessions": [session]}
    assert (session["userId"], session["ageMs"]) == ("user1", 45000)
    streaming.close()  # the client went away in mid-stream
    assert whole.prompt().status_code == 200


def test_what_failed_is_a_result_of_another_subtype(whole: Whole) -> None:
    whole.control("/chucky/replies", text="", subtype="error_max_turns")
    body = whole.prompt().json
    assert body["result"]["subtype"] == "error_max_turns"
    assert [message["type"] for message in body["messages"]] == ["result"]


def test_what_there_is_not_is_told_as_chuckys_other_errors_are(whole: Whole) -> None:
    assert (whole.client.get("/prompt").status_code, whole.client.get("/prompt").json) == (
        405,
        {"error": "Method Not Allowed"},
    )
    assert whole.client.get("/nowhere").json == {"error": "There is no GET /nowhere"}
