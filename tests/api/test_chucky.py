"""Chucky's client, against the sandbox and the description."""

from decimal import Decimal
from typing import Any

import pytest

from clients.chucky.client import Chucky
from clients.chucky.result import AssistantMessage, Result, SessionEnded
from sandbox.chucky.token import SANDBOX_TOKEN
from tests.api.documents import parameters_of
from tests.api.wire import HeldWire

OPTIONS: dict[str, Any] = {
    "model": "claude-sonnet-4-5-20250929",
    "system_prompt": "You are a helpful assistant.",
    "tools": [{"name": "clock", "description": "Tells the time"}],
    "allowed_tools": ["clock"],
    "disallowed_tools": ["shell"],
    "max_turns": 5,
    "max_budget_usd": Decimal("0.5"),
    "max_thinking_tokens": 1000,
    "output_format": {"type": "json_schema", "schema": {"type": "object"}},
    "mcp_servers": {"files": {"command": "mcp-files"}},
}


def test_a_prompt_is_answered(chucky: Chucky, chucky_wire: HeldWire) -> None:
    answer = chucky.prompt("What is the capital of France?", **OPTIONS)
    assert "capital of France" in answer.text
    assert answer.session_id
    assert answer.result is not None
    assert answer.result.subtype == "success"
    assert answer.result.total_cost_usd is not None
    assert answer.result.duration_secs is not None
    assert answer.result.usage is not None
    assert answer.result.usage.output_tokens
    assert isinstance(answer.messages[0], AssistantMessage)
    assert chucky_wire.parameters_sent("POST /prompt") == parameters_of("POST /prompt")


def test_a_prompt_is_answered_message_by_message(chucky: Chucky, chucky_wire: HeldWire) -> None:
    with chucky.stream("What is the capital of France?", **OPTIONS) as stream:
        messages = list(stream)
    assert {type(message) for message in messages[:-2]} == {AssistantMessage}
    assert isinstance(messages[-2], Result)
    assert isinstance(messages[-1], SessionEnded)
    assert "capital of France" in stream.text
    assert stream.session_id
    assert chucky_wire.parameters_sent("POST /prompt") == parameters_of("POST /prompt")


def test_the_usage_is_got(chucky: Chucky) -> None:
    chucky.prompt("What is the capital of France?")
    usage = chucky.usage()
    assert usage.user_id == "demo-user"
    assert usage.issuer_id
    assert usage.window == "day"
    assert usage.window_start is not None
    assert usage.allowed is True
    for budget in (usage.ai, usage.compute):
        assert budget is not None
        assert budget.used
        assert budget.budget == pytest.approx(budget.used + (budget.remaining or 0))


def test_the_token_travels_in_the_body_to_prompt_and_in_a_header_to_usage(
    chucky: Chucky, chucky_wire: HeldWire
) -> None:
    chucky.prompt("What is the capital of France?")
    with chucky.stream("What is the capital of France?") as stream:
        list(stream)
    chucky.usage()
    whole, streamed, usage = chucky_wire.requests
    for request in (whole, streamed):
        assert "Authorization" not in request.headers
        assert SANDBOX_TOKEN.encode() in request.content
    assert whole.headers["Accept"] == "application/json"
    assert streamed.headers["Accept"] == "text/event-stream"
    assert usage.headers["Authorization"] == f"Bearer {SANDBOX_TOKEN}"
