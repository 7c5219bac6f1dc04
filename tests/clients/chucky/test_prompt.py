from decimal import Decimal
from typing import Any

import pytest

from clients.chucky.result import AssistantMessage, Message, Result
from clients.errors import InvalidCall, MalformedReply

from .prompted import ANSWER, TOKEN, Prompted


def test_a_prompt_is_sent_as_documented_with_the_token_in_its_body(api: Prompted) -> None:
    answer = api.client.prompt("What is the capital of France?")
    assert api.body == {"message": "What is the capital of France?", "options": {"token": TOKEN}}
    (request,) = api.requests
    assert (request.method, str(request.url)) == ("POST", "https://conjure.chucky.cloud/prompt")
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Accept"] == "application/json"
    assert "Authorization" not in request.headers
    assert answer.text == "The capital of France is Paris."


def test_every_documented_option_has_its_documented_name(api: Prompted) -> None:
    api.client.prompt(
        "Hi",
        model="claude-sonnet-4-5-20250929",
        system_prompt="You are a helpful assistant.",
        tools=({"name": "a"},),
        allowed_tools=("Read",),
        disallowed_tools=[],
        max_turns=5,
        max_budget_usd=Decimal("0.5"),
        max_thinking_tokens=1000,
        output_format={"type": "json_schema"},
        mcp_servers={"a": {}},
    )
    assert api.body["options"] == {
        "token": TOKEN,
        "model": "claude-sonnet-4-5-20250929",
        "systemPrompt": "You are a helpful assistant.",
        "tools": [{"name": "a"}],
        "allowedTools": ["Read"],
        "disallowedTools": [],
        "maxTurns": 5,
        "maxBudgetUsd": 0.5,
        "maxThinkingTokens": 1000,
        "outputFormat": {"type": "json_schema"},
        "mcpServers": {"a": {}},
    }


def test_an_option_that_is_none_is_not_sent(api: Prompted) -> None:
    api.client.prompt("Hi", model=None, tools=None, max_turns=None)
    assert api.body["options"] == {"token": TOKEN}


def test_an_option_that_there_is_not_is_named(api: Prompted) -> None:
    with pytest.raises(TypeError, match=r"no option 'token'; the options are model, system_prompt"):
        api.client.prompt("Hi", token="other")  # type: ignore[call-arg]
    assert api.requests == []


@pytest.mark.parametrize("call", ["prompt", "stream"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"message": ""}, "message must not be empty"),
        ({"message": " \n"}, "message must not be empty"),
        ({"message": None}, "message must be a text"),
        ({"max_turns": 0}, "max_turns must be at least 1"),
        ({"max_turns": -1}, "max_turns must be at least 1"),
        ({"max_turns": True}, "max_turns must be a whole number"),
        ({"max_thinking_tokens": 0}, "max_thinking_tokens must be at least 1"),
        ({"max_budget_usd": 0}, "max_budget_usd must be greater than 0, but it is 0"),
        ({"max_budget_usd": -0.5}, "greater than 0"),
        ({"max_budget_usd": float("nan")}, "greater than 0"),
        ({"max_budget_usd": Decimal("sNaN")}, "max_budget_usd must be"),
        ({"max_budget_usd": float("inf")}, "greater than 0"),
        ({"max_budget_usd": True}, "max_budget_usd must be a number"),
        ({"max_budget_usd": "1"}, "max_budget_usd must be a number"),
        ({"allowed_tools": "Read"}, "allowed_tools must be a list of texts"),
        ({"disallowed_tools": [1]}, "each of disallowed_tools must be a text"),
        ({"tools": ["Read"]}, r"tools\[0\] must be an object"),
        ({"output_format": "json"}, "output_format must be an object"),
        ({"mcp_servers": []}, "mcp_servers must be an object"),
        ({"model": 4}, "model must be a text"),
        ({"system_prompt": ["x"]}, "system_prompt must be a text"),
    ],
)
def test_a_call_that_can_not_work_is_not_sent(
    api: Prompted, call: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidCall, match=message):
        getattr(api.client, call)(**{"message": "Hi", **arguments})
    assert api.requests == []


def test_what_is_no_json_is_an_invalid_call_without_the_token(api: Prompted) -> None:
    with pytest.raises(InvalidCall) as raised:
        api.client.prompt("Hi", mcp_servers={"a": object()})
    assert TOKEN not in str(raised.value)
    assert api.requests == []


def test_the_answer_has_what_is_documented(api: Prompted) -> None:
    answer = api.client.prompt("Hi")
    assert answer.result is not None
    assert answer.result.subtype == "success"
    assert answer.result.total_cost_usd == 0.0012
    assert answer.result.duration_secs == 1.5
    assert answer.result.usage is not None
    assert (answer.result.usage.input_tokens, answer.result.usage.output_tokens) == (50, 20)
    assert [type(message) for message in answer.messages] == [AssistantMessage, Result]
    assert answer.session_id == "550e8400-e29b-41d4-a716-446655440000"
    assert answer.raw == ANSWER


def test_messages_and_fields_that_are_not_documented_are_kept(api: Prompted) -> None:
    api.prompt = {
        "result": {"text": "42", "structured": {"a": 1}},
        "messages": [{"type": "system", "tools": []}, {"type": []}, "noise"],
        "more": True,
    }
    answer = api.client.prompt("Hi")
    assert [type(message) for message in answer.messages] == [Message, Message]
    assert answer.messages[0].raw == {"type": "system", "tools": []}
    assert answer.result is not None
    assert answer.result.raw["structured"] == {"a": 1}
    assert answer.raw["more"] is True
    assert answer.text == "42"


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"result": None, "messages": None, "sessionId": 7},
        {"result": {"total_cost_usd": "much", "usage": []}, "messages": {}},
    ],
)
def test_missing_fields_do_no_harm(api: Prompted, reply: Any) -> None:
    api.prompt = reply
    answer = api.client.prompt("Hi")
    assert (answer.text, answer.messages, answer.session_id) == ("", (), None)


def test_an_error_beside_a_result_leaves_the_result(api: Prompted) -> None:
    api.prompt = {**ANSWER, "error": "a tool failed"}
    assert api.client.prompt("Hi").text == "The capital of France is Paris."


def test_without_a_results_text_it_is_what_the_assistant_said(api: Prompted) -> None:
    api.prompt = {"messages": [{"type": "assistant", "text": "Pa"}, {"type": "assistant", "text": "ris"}]}
    assert api.client.prompt("Hi").text == "Paris"


@pytest.mark.parametrize("reply", [b"", b"[]", b"<html>busy</html>", b'{"result": {"te'])
def test_a_reply_that_is_no_object_is_malformed(api: Prompted, reply: bytes) -> None:
    api.prompt = reply
    with pytest.raises(MalformedReply):
        api.client.prompt("Hi")
    assert len(api.requests) == 1
