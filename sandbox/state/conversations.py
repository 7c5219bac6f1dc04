"""Conversations of /query/chat, kept so that a `conversationId` resumes one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.state.conflict import NoSuchThing
from sandbox.state.ground import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, and whose it is: system, user or assistant."""

    role: str
    content: str


class Conversations:
    """The messages of each conversation, by its id."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._messages: dict[str, tuple[Message, ...]] = {}

    def begin(self) -> str:
        with self._ground.lock:
            conversation_id = self._ground.new_id("conv")
            self._messages[conversation_id] = ()
            return conversation_id

    def add(self, conversation_id: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Add messages, and give all that were said."""
        with self._ground.lock:
            if conversation_id not in self._messages:
                raise NoSuchThing("conversation", conversation_id)
            self._messages[conversation_id] += tuple(messages)
            return self._messages[conversation_id]
