"""What a server says, made one short line that can be shown."""

from typing import Final

_LONGEST: Final = 500


def one_line(text: str) -> str:
    """Give the printable part of a text as one line of at most 500 characters."""
    line = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(line.split())[:_LONGEST]
