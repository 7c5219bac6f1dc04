"""`client.query`: prompts and their completions ("AI Query Endpoints")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from clients.errors import InvalidCall
from clients.limits import (
    check_count,
    check_number,
    check_object,
    check_objects,
    check_text,
    check_texts,
    given,
)
from clients.reply import Reply

from .undocumented import read_loosely

if TYPE_CHECKING:
    from clients.exchange import Exchange

    from .query_stream import QueryStream

PROMPT_CHARACTERS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage(Reply):
    """How many tokens a completion took."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion(Reply):
    """What the AI answered to a prompt."""

    id: str | None = None
    text: str | None = None
    model: str | None = None
    usage: TokenUsage | None = None
    finish_reason: str | None = None
    """As "stop"; the others are not documented."""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage(Reply):
    """One message of a conversation."""

    role: str | None = None
    content: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCompletion(Completion):
    """What the AI answered in a conversation; the reply is not documented, so that any field may be None."""

    conversation_id: str | None = None
    """To be given with the next call, to go on."""
    message: ChatMessage | None = None
    """The answer, where it came as a message and not as `text`."""

    @property
    def answer(self) -> str | None:
        """The answer's text, in whichever of both it came."""
        return self.text if self.text is not None or self.message is None else self.message.content


class Query:
    """`client.query(prompt)`, `client.query.stream(prompt)` and `client.query.chat(messages=…)`."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    def __call__(  # noqa: PLR0913 - what is documented
        self,
        prompt: str,
        *,
        model: str | None = None,
        system_prompt: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        top_p: float | None = None,
        stop: Sequence[str] | None = None,
        stream: bool | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Send a prompt and give its completion: `POST /query`.

        `prompt` has at most 100,000 characters, `temperature` is from 0 to 2 (ChaozCode's default is 0.7),
        `top_p` from 0 to 1, `max_tokens` at least 1 (default 4096). `model` is an id as `models.list` gives
        them, as gpt-4, claude-3-sonnet or gemini-pro; `context` is what the Memory Spine adds.
        A reply that comes in pieces is that of `stream`: `stream=True` is refused here.
        Raises `InvalidCall` for what breaks these limits, else what `clients.errors` tells.
        """
        if stream:
            raise InvalidCall("stream=True gives no whole reply: call client.query.stream(…) instead")
        body = _body(prompt, model, system_prompt, temperature, max_tokens, top_p, stop, context)
        reply = self._exchange.call("POST", ("query",), body={**body, **given(stream=stream)})
        return Completion.from_json(reply)

    def stream(
        self,
        prompt: str,
        *,
        model: str | None = None,
        system_prompt: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        top_p: float | None = None,
        stop: Sequence[str] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> "QueryStream":
        """Send a prompt and give its completion piece by piece: `POST /query/stream`, with `query`'s limits.

        To be used as `with client.query.stream("…") as answer:`; see `QueryStream` for what it gives. Is
        repeated only as long as nothing of the reply has come; raises `StreamCut` where it ends too early.
        """
        from .query_stream import QueryStream  # noqa: PLC0415 - it needs this module's `TokenUsage`

        body = _body(prompt, model, system_prompt, temperature, max_tokens, top_p, stop, context)
        call = self._exchange.stream("POST", ("query", "stream"), body=body)
        return QueryStream(call, scrub=self._exchange.scrub)

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        conversation_id: str | None = None,
    ) -> ChatCompletion:
        """Send a conversation and give the next message of it: `POST /query/chat`.

        Each of `messages` has `role` ("system", "user" or "assistant") and `content`; `model` is by default
        gpt-4; `conversation_id` resumes a conversation. Raises as `query` does.
        """
        check_objects("messages", messages, texts=("role", "content"), required=True)
        check_text("model", model, required=False)
        check_text("conversation_id", conversation_id, required=False)
        body = given(messages=messages, model=model, conversationId=conversation_id)
        reply = self._exchange.call("POST", ("query", "chat"), body=body)
        return read_loosely(ChatCompletion, reply, "completion")


def _body(
    prompt: str,
    model: str | None,
    system_prompt: str | None,
    temperature: float | None,
    max_tokens: int | None,
    top_p: float | None,
    stop: Sequence[str] | None,
    context: Mapping[str, Any] | None,
) -> dict[str, Any]:
    check_text("prompt", prompt, most=PROMPT_CHARACTERS)
    check_text("model", model, required=False)
    check_text("system_prompt", system_prompt, required=False)
    check_number("temperature", temperature, least=0.0, most=2.0)
    check_count("max_tokens", max_tokens)
    check_number("top_p", top_p, least=0.0, most=1.0)
    check_texts("stop", stop)
    check_object("context", context)
    return given(
        prompt=prompt,
        model=model,
        systemPrompt=system_prompt,
        temperature=temperature,
        maxTokens=max_tokens,
        topP=top_p,
        stop=stop,
        context=context,
    )
