import json

import pytest
from werkzeug.test import TestResponse

from tests.sandbox.imitation import Imitation, error_of


def test_a_prompt_is_echoed_in_the_documented_reply(api: Imitation) -> None:
    response = api.post("/query", {"prompt": "Explain REST", "model": "gemini-pro"})
    assert response.status_code == 200
    reply = response.json
    assert isinstance(reply, dict)
    assert list(reply) == ["id", "text", "model", "usage", "finishReason", "createdAt"]
    assert reply["id"].startswith("query_")
    assert "Explain REST" in reply["text"]
    assert reply["model"] == "gemini-pro"
    usage = reply["usage"]
    assert usage["promptTokens"] + usage["completionTokens"] == usage["totalTokens"] > 0
    assert reply["finishReason"] == "stop"
    assert reply["createdAt"] == "2026-01-30T12:00:00Z"


def events_of(response: TestResponse) -> list[dict[str, object]]:
    assert response.mimetype == "text/event-stream"
    assert response.text.endswith("\n\n")
    blocks = response.text.removesuffix("\n\n").split("\n\n")
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


@pytest.mark.parametrize(("path", "more"), [("/query/stream", {}), ("/query", {"stream": True})])
def test_a_stream_starts_then_gives_pieces_then_is_done(
    api: Imitation, path: str, more: dict[str, object]
) -> None:
    prompt = "Explain  REST\nand GraphQL 🦜 "
    whole = api.post("/query", {"prompt": prompt}).json
    assert isinstance(whole, dict)
    start, *deltas, done = events_of(api.post(path, {"prompt": prompt} | more))
    assert (start["type"], list(start)) == ("start", ["type", "id"])
    assert len(deltas) > 3
    assert {delta["type"] for delta in deltas} == {"delta"}
    assert "".join(str(delta["content"]) for delta in deltas) == whole["text"]
    assert done == {"type": "done", "usage": {"totalTokens": whole["usage"]["totalTokens"]}}


def test_a_stream_refuses_before_it_starts(api: Imitation) -> None:
    assert error_of(api.post("/query/stream", {}))["details"]["field"] == "prompt"


def chat(api: Imitation, text: str, **more: object) -> TestResponse:
    return api.post("/query/chat", {"messages": [{"role": "user", "content": text}]} | more)


def test_a_conversation_is_resumed_by_its_id(api: Imitation) -> None:
    first = chat(api, "hello").json
    assert isinstance(first, dict)
    again = chat(api, "more", conversationId=first["conversationId"]).json
    assert isinstance(again, dict)
    assert again["conversationId"] == first["conversationId"]
    assert "question 2) more" in again["text"]
    # What was answered before is part of what the model is given.
    assert again["usage"]["promptTokens"] > first["usage"]["totalTokens"]
    other = chat(api, "hello").json
    assert isinstance(other, dict)
    assert other["conversationId"] != first["conversationId"]
    assert other["text"] == first["text"]
    assert other["message"] == {"role": "assistant", "content": other["text"]}


def test_an_unknown_conversation_is_not_found(api: Imitation) -> None:
    assert chat(api, "hello", conversationId="conv_unknown").status_code == 404


def test_the_models_are_described_as_documented(api: Imitation) -> None:
    reply = api.get("/models").json
    assert isinstance(reply, dict)
    models = {model["id"]: model for model in reply["models"]}
    assert set(models) == {"gpt-4", "claude-3-sonnet", "gemini-pro"}
    assert models["claude-3-sonnet"] == {
        "id": "claude-3-sonnet",
        "name": "Claude 3 Sonnet",
        "provider": "anthropic",
        "contextWindow": 200000,
        "inputPrice": 0.003,
        "outputPrice": 0.015,
        "capabilities": ["chat", "code", "vision"],
    }
