"""Which event types a handler listens for: one (`memory.stored`), a family (`memory.*`), or all (`*`)."""

import re
from typing import Final

from eventlog.event import KNOWN_TYPES

from .errors import InvalidPattern

ALL: Final = "*"

_SEGMENT: Final = r"[\w:/@+-]+"
_PATTERN: Final = re.compile(rf"\*|{_SEGMENT}(\.{_SEGMENT})*(\.\*)?")


def check(pattern: object) -> None:
    """Raise `InvalidPattern` for anything but a type, a family or `*`.

    A type that the documentation does not name is fine: ChaozCode may send more than it documents.
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
