from datetime import UTC, datetime
from typing import Any

import pytest

from clients.chaozcode.query import Completion, TokenUsage
from clients.errors import InvalidCall
from tests.clients.chaozcode.one_reply import OneReply

DOCUMENTED = {
    "id": "query_abc123",
    "text": "REST and GraphQL are both API architectures...",
    "model": "gpt-4",
    "usage": {"promptTokens": 15, "completionTokens": 487, "totalTokens": 502},
    "finishReason": "stop",
    "createdAt": "2026-01-30T12:00:00Z",
}


def test_a_prompt_is_sent_as_documented_and_gives_a_typed_completion(api: OneReply) -> None:
    api.json = DOCUMENTED

    completion = api.client.query(
        "Explain the difference between REST and GraphQL", model="gpt-4", temperature=0.7, max_tokens=1000
    )

    assert api.asked == ("POST", "/v2/query")
    assert api.body == {
        "prompt": "Explain the difference between REST and GraphQL",
        "model": "gpt-4",
        "temperature": 0.7,
        "maxTokens": 1000,
    }
    assert completion == Completion(
        raw=DOCUMENTED,
        id="query_abc123",
        text="REST and GraphQL are both API architectures...",
        model="gpt-4",
        usage=TokenUsage(
            raw={"promptTokens": 15, "completionTokens": 487, "totalTokens": 502},
            prompt_tokens=15,
            completion_tokens=487,
            total_tokens=502,
        ),
        finish_reason="stop",
        created_at=datetime(2026, 1, 30, 12, tzinfo=UTC),
    )


def test_a_call_carries_the_key_and_json(api: OneReply) -> None:
    api.client.query("Hello")

    (request,) = api.requests
    assert request.headers["Authorization"] == "Bearer cc_live_abc123"
    assert request.headers["Content-Type"] == "application/json"


def test_every_parameter_is_sent_by_its_documented_name(api: OneReply) -> None:
    api.client.query(
        "Hello",
        model="claude-3-sonnet",
        system_prompt="Be brief.",
        temperature=2,
        max_tokens=1,
        top_p=0.0,
        stop=("END",),
        stream=False,
        context={"memories": ["a"]},
    )

    assert api.body == {
        "prompt": "Hello",
        "model": "claude-3-sonnet",
        "systemPrompt": "Be brief.",
        "temperature": 2,
        "maxTokens": 1,
        "topP": 0.0,
        "stop": ["END"],
        "stream": False,
        "context": {"memories": ["a"]},
    }


def test_a_prompt_of_100_000_characters_is_sent_and_one_more_is_not(api: OneReply) -> None:
    api.client.query("🙂" * 100_000)
    with pytest.raises(InvalidCall, match="prompt has 100,001 characters, and at most 100,000 are allowed"):
        api.client.query("x" * 100_001)

    assert len(api.requests) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": ""}, "prompt must not be empty"),
        ({"prompt": None}, "prompt must be a text, but it is None"),
        ({"temperature": 2.1}, "temperature must be from 0 to 2, but it is 2.1"),
        ({"temperature": -0.1}, "temperature must be from 0 to 2"),
        ({"temperature": float("nan")}, "temperature must be from 0 to 2, but it is nan"),
        ({"temperature": True}, "temperature must be a number, but it is of type bool"),
        ({"top_p": 1.01}, "top_p must be from 0 to 1"),
        ({"max_tokens": 0}, "max_tokens must be at least 1, but it is 0"),
        ({"max_tokens": 1.5}, "max_tokens must be a whole number, but it is of type float"),
        ({"model": 4}, "model must be a text, but it is of type int"),
        ({"stop": "END"}, "stop must be a list of texts, but it is of type str"),
        ({"context": "all"}, "context must be an object"),
        ({"stream": True}, r"call client.query.stream\(…\) instead"),
    ],
)
def test_what_breaks_a_limit_is_not_sent(api: OneReply, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCall, match=message):
        api.client.query(**{"prompt": "Hello", **options})

    assert not api.requests


def test_a_stream_is_asked_for_with_the_same_parameters_and_limits(api: OneReply) -> None:
    api.headers = {"Content-Type": "text/event-stream"}
    api.content = (
        b'data: {"type":"start","id":"query_abc123"}\n\n'
        b'data: {"type":"delta","content":"REST "}\n\n'
        b'data: {"type":"delta","content":"and GraphQL..."}\n\n'
        b'data: {"type":"done","usage":{"totalTokens":502}}\n\n'
    )

    with api.client.query.stream("Explain", system_prompt="Be brief.", top_p=1) as answer:
        for _ in answer:
            pass

    assert api.asked == ("POST", "/v2/query/stream")
    assert api.body == {"prompt": "Explain", "systemPrompt": "Be brief.", "topP": 1}
    assert answer.text == "REST and GraphQL..."
    with pytest.raises(InvalidCall, match="temperature"):
        api.client.query.stream("Explain", temperature=3)


MESSAGES = [
    {"role": "system", "content": "You are a helpful coding assistant."},
    {"role": "user", "content": "How do I create a React hook?"},
]


def test_a_conversation_is_sent_as_documented(api: OneReply) -> None:
    api.json = {**DOCUMENTED, "conversationId": "conv_1"}

    answer = api.client.query.chat(messages=MESSAGES, model="gpt-4", conversation_id="conv_1")

    assert api.asked == ("POST", "/v2/query/chat")
    assert api.body == {"messages": MESSAGES, "model": "gpt-4", "conversationId": "conv_1"}
    assert answer.answer == answer.text == DOCUMENTED["text"]
    assert answer.conversation_id == "conv_1"


def test_an_answer_that_comes_as_a_message_is_an_answer_too(api: OneReply) -> None:
    api.json = {"message": {"role": "assistant", "content": "Like this."}}

    answer = api.client.query.chat(MESSAGES)

    assert (answer.text, answer.answer) == (None, "Like this.")


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([], "messages must have at least one element"),
        ("Hello", "messages must be a list of objects"),
        (["Hello"], r"messages\[0\] must be an object with the texts role and content"),
        ([*MESSAGES, {"role": "user"}], r"messages\[2\] must be an object with the texts role and content"),
    ],
)
def test_messages_without_role_or_content_are_not_sent(api: OneReply, messages: Any, message: str) -> None:
    with pytest.raises(InvalidCall, match=message):
        api.client.query.chat(messages)

    assert not api.requests
