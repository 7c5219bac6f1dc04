"""Answers of the imitated models: echoes, the same for the same question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

_ECHOED: Final = 400
_CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A text, what it cost, and why it ended."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: Literal["stop", "length"]

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def usage(self) -> dict[str, Any]:
        return {
            "promptTokens": self.prompt_tokens,
            "completionTokens": self.completion_tokens,
            "totalTokens": self.total_tokens,
        }

    def pieces(self) -> list[str]:
        """Cut the text behind its spaces, as a stream gives it."""
        words = self.text.split(" ")
        return [word for word in [*(f"{word} " for word in words[:-1]), words[-1]] if word]


def complete(
    prompt: str,
    *,
    model: str,
    asked: str = "",
    max_tokens: int,
    stop: Sequence[str] = (),
) -> Completion:
    """Answer a prompt; `asked` is all else that counts as given to the model."""
    echo = prompt if len(prompt) <= _ECHOED else f"{prompt[:_ECHOED]}..."
    text = f"The sandbox's {model} was asked: {echo}"
    ends = [place for word in stop if word and (place := text.find(word)) >= 0]
    text = text[: min(ends)] if ends else text
    longest = max_tokens * _CHARACTERS_PER_TOKEN
    is_cut = len(text) > longest
    return Completion(
        text=text[:longest],
        prompt_tokens=tokens_in(prompt) + tokens_in(asked),
        completion_tokens=tokens_in(text[:longest]),
        finish_reason="length" if is_cut else "stop",
    )


def tokens_in(text: str) -> int:
    """Estimate how many tokens a text is."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)
