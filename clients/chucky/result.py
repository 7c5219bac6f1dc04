"""What Chucky replies to a prompt: messages, the last of which is the result ("JSON Response")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clients.reply import Reply

from .errors import PromptFailed

_LONGEST_QUOTE: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage(Reply):
    """How many tokens a prompt took."""

    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Reply):
    """A message of whatever type; those that the reference names have a class of their own."""

    type: str | None = None
    subtype: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantMessage(Message):
    """What Claude says, or a piece of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Message):
    """How it ended, with the whole text and what it cost."""

    total_cost_usd: float | None = None
    duration_secs: float | None = None
    usage: TokenUsage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Message):
    """The last part of a stream; names the session."""

    session_id: str | None = None


_MESSAGES: Final[Mapping[object, type[Message]]] = {"assistant": AssistantMessage, "result": Result}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Reply):
    """The whole reply to a prompt."""

    result: Result | None = None
    messages: tuple[Message, ...] = ()
    session_id: str | None = None

    @property
    def text(self) -> str:
        """The result's text; where it has none, what the assistant said."""
        return whole_text(self.result, self.messages)


def read_message(document: Mapping[str, Any]) -> Message:
    """Read a message as the class that its type names."""
    kind = document.get("type")
    return (_MESSAGES.get(kind, Message) if isinstance(kind, str) else Message).from_json(document)


def read_answer(reply: object) -> Answer:
    """Read the reply to a prompt; raises `PromptFailed` where its result is no success."""
    answer = Answer.from_json(reply)
    documents = answer.raw.get("messages")
    listed = documents if isinstance(documents, list) else ()
    messages = tuple(read_message(each) for each in listed if isinstance(each, dict))
    require_success(answer.result)
    return Answer(raw=answer.raw, result=answer.result, messages=messages, session_id=answer.session_id)


def require_success(result: Result | None) -> None:
    if result is None or result.subtype in {None, "success"}:
        return
    said = f": {result.text[:_LONGEST_QUOTE]}" if result.text else ""
    raise PromptFailed(f"the prompt ended with {result.subtype}{said}", subtype=result.subtype, result=result)


def whole_text(result: Result | None, messages: Sequence[Message]) -> str:
    """Give the result's text; where there is none, what the assistant said."""
    if result is not None and result.text is not None:
        return result.text
    return "".join(each.text or "" for each in messages if isinstance(each, AssistantMessage))
