"""A stored body made readable, without changing anything in it: JSON is indented as text, never decoded."""

import json
import re
from collections.abc import Iterator
from typing import Final, NoReturn

from console.rendering import size
from console.visible import visible

SHOWN_CHARACTERS: Final = 10_000

_MARKS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_INDENT: Final = "  "


def readable(body: bytes) -> tuple[str, str | None]:
    """Give a body as text that is safe to print, and a note where that is not all of it, or not exact."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return _cut(body.decode(errors="backslashreplace"), len(body), "this is not UTF-8")
    if not _is_json(text):
        return _cut(text, len(body), "this is not JSON")
    pieces: list[str] = []
    length = 0
    for piece in _indented(text):
        pieces.append(piece)
        length += len(piece)
        if length > SHOWN_CHARACTERS:
            break
    return _cut("".join(pieces), len(body), None)


def _cut(text: str, length: int, remark: str | None) -> tuple[str, str | None]:
    if len(text) <= SHOWN_CHARACTERS:
        return visible(text), remark
    shown = f"cut here; the body has {size(length)}"
    return visible(text[:SHOWN_CHARACTERS]), shown if remark is None else f"{remark}; {shown}"


def _is_json(text: str) -> bool:
    try:
        # Numbers stay text: Python refuses very long ones, which are JSON all the same.
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _indented(text: str) -> Iterator[str]:
    depth = 0
    before = ""
    for found in _MARKS.finditer(text):
        mark = found[0]
        if mark in "]}":
            depth -= 1
            # Brackets with nothing between them stay together.
            yield mark if before in "[{" else f"\n{_INDENT * depth}{mark}"
        else:
            # What follows an opening bracket or a comma begins a line.
            if before and before in "[{,":
                yield f"\n{_INDENT * depth}"
            yield ": " if mark == ":" else mark
            depth += mark in "[{"
        before = mark
