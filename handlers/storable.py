"""Text of users' code, made fit for the event log: bounded, and nothing that PostgreSQL can't hold."""

import re
from typing import Final

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL's text type refuses, and lone surrogates, which have no UTF-8."""


def storable(value: object, limit: int) -> str:
    """Return str(value) without unstorable characters, of at most `limit` characters; never raises."""
    try:
        text = str(value)
    except BaseException as error:  # noqa: BLE001 - a __str__ of the user's code may raise anything
        text = f"<str() of {type(value).__qualname__} raised {type(error).__qualname__}>"
    return _UNSTORABLE.sub(REPLACEMENT, text[:limit])


def storable_ends(text: str, limit: int) -> str:
    """Return the text with its middle left out where it is longer than `limit` characters."""
    text = _UNSTORABLE.sub(REPLACEMENT, text)
    if len(text) <= limit:
        return text
    gap = f"\n... {len(text) - limit:,} characters or more left out ...\n"
    head = (limit - len(gap)) // 3
    tail = limit - len(gap) - head
    return text[:head] + gap + text[-tail:]
