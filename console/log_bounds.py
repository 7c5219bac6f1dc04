"""Keeps log lines short: a handler may log a gigabyte, and whoever reads the logs must survive that."""

import json
from collections.abc import MutableMapping
from typing import Any, Final

FIELD_CHARACTERS: Final = 8192
FIELDS: Final = 64

_INTEGER_BITS: Final = 64

_SHORT: Final = frozenset((bool, float, type(None)))
_PLAIN: Final = (bool, int, float, type(None))
_OWN_FIELDS: Final = {"exc_info", "stack_info", "_record", "_from_structlog"}  # structlog's, not text yet
_EVERY_LINES: Final = {"event", "level", "logger", "timestamp", "exception", "event_id", "handler", "attempt"}


def bounded(_logger: object, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut fields to `FIELD_CHARACTERS`, and leave out those beyond `FIELDS`; a structlog processor."""
    if len(line) > FIELDS:
        for surplus in [name for name in line if name not in _OWN_FIELDS | _EVERY_LINES][FIELDS:]:
            del line[surplus]
    for name, value in line.items():
        kind = type(value)
        if len(value) <= FIELD_CHARACTERS if kind is str else kind in _SHORT:
            continue  # nearly all
        if name not in _OWN_FIELDS:
            line[name] = _bounded(value)
    return line


def cut(text: str) -> str:
    """Leave out the middle of a long text: an error's last words are at its end."""
    surplus = len(text) - FIELD_CHARACTERS
    half = FIELD_CHARACTERS // 2
    return text if surplus <= 0 else f"{text[:half]} ... {surplus:,} characters left out ... {text[-half:]}"


def _bounded(value: object) -> object:
    try:  # even isinstance() asks the user's class
        if isinstance(value, _PLAIN) and not (isinstance(value, int) and value.bit_length() > _INTEGER_BITS):
            return value
        if isinstance(value, str):
            return cut(str(value))
        if type(value) not in (list, dict, tuple):
            return cut(repr(value))
        text = json.dumps(value, default=repr, ensure_ascii=False)
    except Exception as error:  # noqa: BLE001 - a __repr__ of the user's code runs in here
        return f"<{type(value).__qualname__}, which can't be shown: {type(error).__qualname__}>"
    return value if len(text) <= FIELD_CHARACTERS else cut(text)
