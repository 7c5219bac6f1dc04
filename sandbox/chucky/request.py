"""Reads a request to /prompt: a message and the documented options, nothing else."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final


class RequestRefused(Exception):  # noqa: N818 - named for what happened
    """A reply that is none of success: its status, and its body, whose `error` is Chucky's."""

    def __init__(self, status: int, error: str, **fields: object) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.body = {"error": error, **fields}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    message: str
    options: Mapping[str, Any]
    """As they came; without the token only once that was read."""

    @property
    def system_prompt(self) -> str:
        return str(self.options.get("systemPrompt", ""))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


_OPTIONS: Final[Mapping[str, tuple[str, Callable[[object], bool]]]] = {
    "model": ("a string", _is_text),
    "systemPrompt": ("a string", _is_text),
    "tools": ("an array", _is_list),
    "allowedTools": ("an array of strings", _is_texts),
    "disallowedTools": ("an array of strings", _is_texts),
    "maxTurns": ("a number", _is_number),
    "maxBudgetUsd": ("a number", _is_number),
    "maxThinkingTokens": ("a number", _is_number),
    "outputFormat": ("an object", _is_object),
    "mcpServers": ("an object", _is_object),
}
"""All but `token`, which has errors of its own."""


def read_prompt(mimetype: str, body: bytes) -> Prompt:
    """Read the body; raises `RequestRefused`, whose statuses and words the reference does not name."""
    if mimetype != "application/json":
        raise RequestRefused(400, "Content-Type must be application/json")
    found = _read_object(body)
    if unknown := sorted(found.keys() - {"message", "options"}):
        raise RequestRefused(400, f"unknown field '{unknown[0]}'")
    if not isinstance(found.get("message"), str):
        raise RequestRefused(400, "'message' must be a string")
    options = found.get("options", {})
    if not isinstance(options, dict):
        raise RequestRefused(400, "'options' must be an object")
    for name, value in options.items():
        if name == "token":
            continue
        if name not in _OPTIONS:
            raise RequestRefused(400, f"unknown option '{name}'")
        wanted, is_right = _OPTIONS[name]
        if not is_right(value):
            raise RequestRefused(400, f"option '{name}' must be {wanted}")
    return Prompt(message=found["message"], options=options)


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(400, "the body is not JSON") from error
    if not isinstance(found, dict):
        raise RequestRefused(400, "the body must be a JSON object")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
