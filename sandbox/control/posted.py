"""Reads what is posted to the sandbox's own control routes: each field checked, unknown ones refused."""

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from flask import Response


class ControlRefused(ValueError):  # noqa: N818 - named for what happened
    """What was posted can't be used; its text says why, and what can."""


def read_json(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON came
    """Read a body; an empty one is an empty object."""
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise ControlRefused("the body is not JSON") from error


class Fields:
    """The fields of a JSON object, taken one by one."""

    def __init__(self, given: Any, allowed: Collection[str]) -> None:  # noqa: ANN401 - whatever JSON came
        if not isinstance(given, dict):
            raise ControlRefused("a JSON object is expected")
        if unknown := sorted(set(given) - set(allowed)):
            raise ControlRefused(f"unknown field {unknown[0]!r}; there are: {', '.join(allowed)}")
        self._given: Mapping[str, Any] = given

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str, default: str | None = None) -> str | None:
        value = self._given.get(name, default)
        if value is not None and not isinstance(value, str):
            raise ControlRefused(f"{name} must be a string")
        return value

    def one_of(self, name: str, allowed: Collection[str], default: str | None = None) -> str:
        value = self._given.get(name, default)
        value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(value, str) or value not in allowed:
            raise ControlRefused(f"{name} must be one of: {', '.join(allowed)}")
        return value

    def count(self, name: str, default: int | None, *, least: int = 0) -> int | None:
        """Give a whole number, or None where null was given or is the default."""
        value = self._given.get(name, default)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ControlRefused(f"{name} must be a whole number, {least} or more")
        return value

    def whole(self, name: str, default: int, *, least: int = 0) -> int:
        value = self.count(name, default, least=least)
        if value is None:
            raise ControlRefused(f"{name} must be a whole number, {least} or more")
        return value

    def number(self, name: str, default: float | None, *, most: float) -> float | None:
        value = self._given.get(name, default)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
            raise ControlRefused(f"{name} must be a number from 0 to {most:g}")
        return float(value) if math.isfinite(value) else None

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._given.get(name, [])
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise ControlRefused(f"{name} must be an array of strings")
        return tuple(value)


def json_reply(body: object, status: int = 200) -> Response:
    """Give a reply that ends its line, as people read it in a terminal."""
    return Response(json.dumps(body) + "\n", status, mimetype="application/json")
