"""Take the texts out of a body and leave its shape: keys, structure, numbers, lengths, and what is equal."""

import json
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

_MARKS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+|\s+', re.DOTALL)
_ENVELOPE: Final = ('"id"', '"type"', '"createdAt"')
"""What an event is known by stays: it says nothing of what happened."""

_DIGIT: Final = re.compile(r"\d")


class NotRedactable(ValueError):  # noqa: N818 - named for what happened
    """The body is no JSON, so nobody knows where its texts are."""


def redact(body: bytes, *, keep: Collection[str] = ()) -> bytes:
    """Replace each string value by another of its shape, but for those to `keep`. Raises `NotRedactable`.

    Equal strings stay equal, and unlike ones mostly unlike. All else stays, byte for byte.
    """
    try:
        text = body.decode()
        json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise NotRedactable(f"it is no JSON ({error})") from error
    return "".join(_redacted(_MARKS.findall(text), keep)).encode()


def _redacted(marks: list[str], keep: Collection[str]) -> Iterator[str]:
    depth = 0
    key = ""
    seen: dict[str, int] = {}
    for place, mark in enumerate(marks):
        depth += (mark in "[{") - (mark in "]}")
        if not mark.startswith('"'):
            yield mark
        elif _is_key(marks, place):
            key = mark
            yield mark
        elif depth == 1 and key in _ENVELOPE:
            yield mark
        else:
            value = json.loads(mark, strict=False)
            number = seen.setdefault(value, len(seen))
            yield mark if value in keep else json.dumps(_placeholder(value, number))


def _is_key(marks: list[str], place: int) -> bool:
    # White space is one mark, however long.
    following = marks[place + 1 : place + 3]
    return next((mark for mark in following if not mark.isspace()), "") == ":"


def _placeholder(value: str, number: int) -> str:
    if _is_timestamp(value):
        return _DIGIT.sub("1", value)  # the eleventh of November of 1111 is one, too
    letter = chr(ord("a") + number % 26)
    digit = str(1 + number % 9)
    return "".join(_of_its_kind(character, letter, digit) for character in value)


def _of_its_kind(character: str, letter: str, digit: str) -> str:
    if character.isdigit():
        return digit
    if not character.isalpha():
        return character
    kind = letter if character.isascii() else "ä"
    return kind.upper() if character.isupper() else kind


def _is_timestamp(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return not value.isdigit()
