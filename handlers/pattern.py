"""Which event types a handler listens for: one (`memory.stored`), a family (`memory.*`), or all (`*`)."""

import difflib
import re
from typing import Final

from eventlog.event import KNOWN_TYPES

from .errors import InvalidPattern

ALL: Final = "*"
FAMILIES: Final = tuple(dict.fromkeys(f"{known.partition('.')[0]}.*" for known in KNOWN_TYPES))
"""The documented families of types."""

_SEGMENT: Final = r"[\w:/@+-]+"
_PATTERN: Final = re.compile(rf"\*|{_SEGMENT}(\.{_SEGMENT})*(\.\*)?")
_ALIKE: Final = 0.82
"""From here on a pattern is taken for misspelt: "memory.stord" and "agent", not "project.created"."""


def check(pattern: object) -> None:
    """Raise `InvalidPattern` for anything but a type, a family or `*`.

    A type that the documentation does not name is fine here: ChaozCode may send more than it documents.
    """
    if not isinstance(pattern, str) or _PATTERN.fullmatch(pattern) is None:
        raise InvalidPattern(
            f"{pattern!r} is not a pattern: "
            'give one type ("memory.stored"), a family ("memory.*") or "*" for every event'
        )


def matches(pattern: str, event_type: str) -> bool:
    """Tell whether a checked pattern takes events of this type; case counts."""
    if pattern == ALL:
        return True
    if pattern.endswith(".*"):
        family = pattern[:-1]
        return event_type.startswith(family) and len(event_type) > len(family)
    return pattern == event_type


def knows(pattern: str) -> bool:
    """Tell whether the pattern matches any type that ChaozCode documents."""
    return any(matches(pattern, known) for known in KNOWN_TYPES)


def misspelt(pattern: str) -> str | None:
    """Give the documented type or family that was probably meant, where a pattern matches none; else None."""
    return None if knows(pattern) else closest(pattern, at_least=_ALIKE)


def closest(pattern: str, *, at_least: float) -> str | None:
    """Give the documented type or family that is most alike, from 0 (nothing in common) to 1 (the same)."""
    candidates = FAMILIES if pattern.endswith(".*") else (*KNOWN_TYPES, *FAMILIES)
    found = difflib.get_close_matches(pattern.lower(), candidates, n=1, cutoff=at_least)
    return found[0] if found else None
