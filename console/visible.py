"""Stored text made safe to show: nothing that a sender or a handler wrote steers a terminal."""

import re
from typing import Final

_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, those that turn the direction of text around, and lone surrogates."""
_LINE_BREAKS: Final = re.compile("[\t\n]")


def visible(text: str) -> str:
    """Write control characters as escapes, except line breaks and tabs."""
    return _UNSAFE.sub(_escape, text)


def visible_line(text: str) -> str:
    """Write all control characters as escapes."""
    return _LINE_BREAKS.sub(_escape, visible(text))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
