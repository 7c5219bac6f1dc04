"""What the APIs reply, as typed, frozen values that keep what the documentation does not name."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from types import UnionType
from typing import Any, Final, Never, Self, Union, get_args, get_origin, get_type_hints

from .errors import MalformedReply

_NAMES: Final = "names"
_OTHER: Final = object()
"""What a reader gives for a value that is not of the documented type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A JSON object of a reply.

    A documented field that is absent, or of another type than documented, is None (or empty); `raw` has all
    that came, by ChaozCode's or Chucky's own names. `ctx.once` records `raw`.
    """

    raw: Mapping[str, Any] = field(repr=False, hash=False)
    """The object as it came."""

    @classmethod
    def from_json(cls, reply: object) -> Self:
        """Read a JSON object; raises `MalformedReply` where it is none, and nothing for what is in it.

        A field `created_at` is read from `createdAt`, or from `created_at` where that is what came.
        """
        if not isinstance(reply, Mapping):
            raise MalformedReply(f"the reply should be a JSON object, but it is {json_type(reply)}")
        return cls(raw=reply, **read_fields(cls, reply))


def named(*names: str) -> Mapping[str, tuple[str, ...]]:
    """Give the `metadata` of a field that is read from these names, the first whose value fits."""
    return {_NAMES: names}


def read_fields(kind: type[Reply], document: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of `kind` that `document` has, in their types; the others are left out."""
    found = {}
    for name, wire_names, reader in _plan(kind):  # type: ignore[arg-type] # a class is hashable
        for wire_name in wire_names:
            value = reader(document[wire_name]) if wire_name in document else _OTHER
            if value is not _OTHER:
                found[name] = value
                break
    return found


def read_json(text: str | bytes) -> Any:  # noqa: ANN401 - whatever JSON came
    """Read JSON, without the NaN and Infinity that Python takes for it and no database does.

    Raises ValueError, or RecursionError for what is nested too deep.
    """
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is none of its numbers")


def json_type(value: object) -> str:
    """Name the type of a JSON value, with its article."""
    if value is None:
        return "null or empty"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


_Reader = Callable[[Any], Any]


@cache
def _plan(kind: type[Reply]) -> tuple[tuple[str, tuple[str, ...], _Reader], ...]:
    hints = get_type_hints(kind)
    return tuple(
        (
            each.name,
            each.metadata.get(_NAMES) or (_camel_case(each.name), each.name),
            _reader(hints[each.name]),
        )
        for each in fields(kind)
        if each.name != "raw"
    )


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _reader(hint: Any) -> _Reader:  # noqa: ANN401 - a type hint of whatever form
    if get_origin(hint) in {Union, UnionType}:
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is tuple:
        return _array_reader(_reader(get_args(hint)[0]))
    if isinstance(hint, type) and issubclass(hint, Reply):
        return lambda value: hint.from_json(value) if isinstance(value, Mapping) else _OTHER
    return _READERS[get_origin(hint) or hint]


def _array_reader(read: _Reader) -> _Reader:
    def read_array(value: object) -> object:
        if not isinstance(value, list | tuple):
            return _OTHER
        return tuple(element for element in map(read, value) if element is not _OTHER)

    return read_array


def _read_whole_number(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else _OTHER


def _read_number(value: object) -> object:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return _OTHER
    try:
        number = float(value)
    except OverflowError:  # JSON sets no bound to a whole number
        return _OTHER
    return number if math.isfinite(number) else _OTHER


def _read_time(value: object) -> object:
    if not isinstance(value, str):
        return _OTHER
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return _OTHER
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_READERS: Final[Mapping[Any, _Reader]] = {
    str: lambda value: value if isinstance(value, str) else _OTHER,
    bool: lambda value: value if isinstance(value, bool) else _OTHER,
    int: _read_whole_number,
    float: _read_number,
    datetime: _read_time,
    Mapping: lambda value: value if isinstance(value, Mapping) else _OTHER,
    Any: lambda value: value,
}
