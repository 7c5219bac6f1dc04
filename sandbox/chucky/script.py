"""What Chucky answers: scripted replies, each as often as it says, else an echo of the message."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

SUCCESS: Final = "success"
_MOST_SCRIPTED: Final = 1_000
_WORDS_A_PIECE: Final = 3
_DOLLARS_A_TOKEN: Final = (3e-6, 15e-6)
_CHARACTERS_A_TOKEN: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """A reply that was set."""

    text: str
    match: str | None = None
    """What must occur in the message; None: whatever it is."""
    left: int | None = 1
    """For how many more prompts; None without an end."""
    subtype: str = SUCCESS
    seconds: float = 0.0
    """How long it takes; the compute time that it costs."""
    cost_usd: float | None = None
    pieces: tuple[str, ...] = ()
    """In which pieces a stream sends it; none: a few words each."""

    def as_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "match": self.match,
            "times": self.left,
            "subtype": self.subtype,
            "seconds": self.seconds,
            "cost_usd": self.cost_usd,
            "pieces": list(self.pieces),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered to one prompt, with what it costs."""

    text: str
    subtype: str
    pieces: tuple[str, ...]
    cost_usd: float
    seconds: float
    input_tokens: int
    output_tokens: int
    session_id: str

    def messages(self) -> list[dict[str, Any]]:
        """Give the messages of the JSON reply; those of a stream have what was said in pieces."""
        return [*([self._said(self.text)] if self.text else []), self._outcome()]

    def streamed(self) -> list[dict[str, Any]]:
        return [*map(self._said, self.pieces), self._outcome()]

    def result(self) -> dict[str, Any]:
        return self._outcome() | {
            "duration_secs": self.seconds,
            "usage": {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens},
        }

    def _outcome(self) -> dict[str, Any]:
        return {
            "type": "result",
            "subtype": self.subtype,
            "text": self.text,
            "total_cost_usd": self.cost_usd,
        }

    @staticmethod
    def _said(text: str) -> dict[str, Any]:
        return {"type": "assistant", "subtype": "text", "text": text}


class Script:
    """The scripted replies, in order; guarded by its owner's lock."""

    def __init__(self) -> None:
        self._replies: list[Scripted] = []

    def add(self, replies: Iterable[Scripted]) -> None:
        self._replies = [*self._replies, *replies][-_MOST_SCRIPTED:]

    def listed(self) -> list[Scripted]:
        return list(self._replies)

    def clear(self) -> None:
        self._replies = []

    def answer(self, message: str, *, system_prompt: str, session_id: str) -> Answer:
        """Answer with the first scripted reply that fits, else with the message itself."""
        scripted = self._take(message) or Scripted(text=f"You said: {message}")
        input_tokens = _tokens(message) + _tokens(system_prompt)
        output_tokens = _tokens(scripted.text)
        priced = round(input_tokens * _DOLLARS_A_TOKEN[0] + output_tokens * _DOLLARS_A_TOKEN[1], 6)
        return Answer(
            text=scripted.text,
            subtype=scripted.subtype,
            pieces=scripted.pieces or _pieces(scripted.text),
            cost_usd=priced if scripted.cost_usd is None else scripted.cost_usd,
            seconds=scripted.seconds,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            session_id=session_id,
        )

    def _take(self, message: str) -> Scripted | None:
        fitting = [
            place
            for place, scripted in enumerate(self._replies)
            if scripted.match is None or scripted.match in message
        ]
        # What names a message goes before what fits any.
        place = min(fitting, key=lambda place: (self._replies[place].match is None, place), default=None)
        if place is None:
            return None
        scripted = self._replies[place]
        if scripted.left is not None:
            more = [replace(scripted, left=scripted.left - 1)] if scripted.left > 1 else []
            self._replies[place : place + 1] = more
        return scripted


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_A_TOKEN)


def _pieces(text: str) -> tuple[str, ...]:
    words = re.findall(r"\s*\S+\s*|\s+", text)
    return tuple("".join(words[at : at + _WORDS_A_PIECE]) for at in range(0, len(words), _WORDS_A_PIECE))
