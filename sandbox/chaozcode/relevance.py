"""Which memories a question finds: by the words they share, in place of a semantic search."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sandbox.state.memories import Memory

_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A memory, and how well it fits: more than 0, at most 1."""

    memory: Memory
    score: float


def find(
    query: str, memories: Iterable[Memory], *, tags: Sequence[str] = (), min_score: float = 0.0
) -> list[Found]:
    """Give the memories with all tags and a word of the query, best first, of equals the newest first."""
    asked = _words(query)
    found = [
        Found(memory=memory, score=score)
        for memory in memories
        if set(tags) <= set(memory.tags) and (score := _score(asked, memory)) > 0 and score >= min_score
    ]
    return sorted(found, key=lambda one: (one.score, one.memory.updated_at), reverse=True)


def _score(asked: set[str], memory: Memory) -> float:
    held = _words(" ".join((memory.id, memory.content, *memory.tags)))
    return round(len(asked & held) / len(asked), 4) if asked else 0.0


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
