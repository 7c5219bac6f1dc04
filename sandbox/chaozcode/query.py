"""AI Query Endpoints: echoes in place of a model's words."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from flask import Blueprint, Response
from msgspec import Meta, Struct, field

from sandbox.chaozcode.completion import Completion, complete
from sandbox.chaozcode.parameters import AtLeastOne, Model, Parameters, Share
from sandbox.chaozcode.request_body import read_body
from sandbox.state.conversations import Message
from sandbox.state.ground import timestamp
from sandbox.world import World

DEFAULT_MODEL: Final = "gpt-4"
_DEFAULT_TOKENS: Final = 4096

MODELS: Final[tuple[dict[str, Any], ...]] = (
    {
        "id": "gpt-4",
        "name": "GPT-4",
        "provider": "openai",
        "contextWindow": 128_000,
        "inputPrice": 0.03,
        "outputPrice": 0.06,
        "capabilities": ["chat", "code", "analysis"],
    },
    {
        "id": "claude-3-sonnet",
        "name": "Claude 3 Sonnet",
        "provider": "anthropic",
        "contextWindow": 200_000,
        "inputPrice": 0.003,
        "outputPrice": 0.015,
        "capabilities": ["chat", "code", "vision"],
    },
    # Named for POST /query, but not in the documented list: its figures are made up.
    {
        "id": "gemini-pro",
        "name": "Gemini Pro",
        "provider": "google",
        "contextWindow": 128_000,
        "inputPrice": 0.002,
        "outputPrice": 0.01,
        "capabilities": ["chat", "code"],
    },
)


class Query(Parameters, frozen=True):
    """Parameters of POST /query and /query/stream."""

    prompt: Annotated[str, Meta(max_length=100_000)]
    model: Model = DEFAULT_MODEL
    system_prompt: str = ""
    temperature: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.7
    max_tokens: AtLeastOne = _DEFAULT_TOKENS
    top_p: Share = 1.0
    stop: tuple[str, ...] = ()
    stream: bool = False
    context: dict[str, Any] = field(default_factory=dict)

    def completion(self) -> Completion:
        asked = self.system_prompt + (json.dumps(self.context) if self.context else "")
        return complete(
            self.prompt, model=self.model, asked=asked, max_tokens=self.max_tokens, stop=self.stop
        )


class ChatMessage(Struct, kw_only=True, frozen=True):
    """A message object: "role and content"."""

    role: Literal["system", "user", "assistant"]
    content: str


class Chat(Parameters, frozen=True):
    """Parameters of POST /query/chat."""

    messages: list[ChatMessage]
    model: Model = DEFAULT_MODEL
    conversation_id: str = ""


def endpoints(world: World) -> Blueprint:
    """Give the group's routes."""
    group = Blueprint("query", __name__)

    @group.post("/query")
    def query() -> Response | dict[str, Any]:
        asked = read_body(Query)
        query_id = world.ground.new_id("query")
        if asked.stream:
            return _streamed(query_id, asked.completion())
        return _completed(world, query_id, asked.model, asked.completion())

    @group.post("/query/stream")
    def stream() -> Response:
        return _streamed(world.ground.new_id("query"), read_body(Query).completion())

    @group.post("/query/chat")
    def chat() -> dict[str, Any]:
        asked = read_body(Chat)
        conversation_id = asked.conversation_id or world.conversations.begin()
        said = [Message(role=message.role, content=message.content) for message in asked.messages]
        messages = world.conversations.add(conversation_id, said)
        questions = [message.content for message in messages if message.role == "user"]
        completion = complete(
            f"(question {len(questions)}) {questions[-1] if questions else 'nothing'}",
            model=asked.model,
            asked="".join(message.content for message in messages[:-1]),
            max_tokens=_DEFAULT_TOKENS,
        )
        answer = Message(role="assistant", content=completion.text)
        world.conversations.add(conversation_id, [answer])
        return _completed(world, world.ground.new_id("chat"), asked.model, completion) | {
            "conversationId": conversation_id,
            "message": {"role": answer.role, "content": answer.content},
        }

    @group.get("/models")
    def models() -> dict[str, Any]:
        return {"models": list(MODELS)}

    return group


def _completed(world: World, query_id: str, model: str, completion: Completion) -> dict[str, Any]:
    return {
        "id": query_id,
        "text": completion.text,
        "model": model,
        "usage": completion.usage(),
        "finishReason": completion.finish_reason,
        "createdAt": timestamp(world.ground.now()),
    }


def _streamed(query_id: str, completion: Completion) -> Response:
    response = Response(_events(query_id, completion), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _events(query_id: str, completion: Completion) -> Iterator[str]:
    yield _event({"type": "start", "id": query_id})
    for piece in completion.pieces():
        yield _event({"type": "delta", "content": piece})
    yield _event({"type": "done", "usage": {"totalTokens": completion.total_tokens}})


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, separators=(',', ':'), ensure_ascii=False)}\n\n"
