"""Read a request's JSON body, or refuse it as documented: 400 for what is missing, 422 for what is wrong."""

import math
import re
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec
from flask import request

from sandbox.chaozcode.refusal import Refused, missing, not_valid

S = TypeVar("S", bound=msgspec.Struct)

_WHERE: Final = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_LARGEST_WHOLE: Final = 2**53


def _number(text: str) -> float:
    """Read a number as JavaScript and JSON Schema do: to them 10.0 is the integer 10."""
    number = float(text)
    if math.isinf(number):
        raise ValueError("Number out of range")
    return int(number) if number.is_integer() and abs(number) < _LARGEST_WHOLE else number


_JSON: Final = msgspec.json.Decoder(float_hook=_number)


def read_body(kind: type[S], *, may_be_absent: bool = False) -> S:
    """Read the body of the request at hand; raises `Refused`.

    Unknown parameters are refused by structs that forbid them: what is misspelt should be found here, though
    the reference does not say what ChaozCode does.
    """
    raw = request.get_data()
    given = {} if may_be_absent and not raw.strip() else _decode(raw)
    if not isinstance(given, dict):
        raise Refused(400, "The request body must be a JSON object", reason="not an object")
    for field in msgspec.structs.fields(kind):
        if field.required and field.encode_name not in given:
            raise missing(field.encode_name)
    try:
        return msgspec.convert(given, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _refusal(kind, str(error)) from error


def _decode(raw: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return _JSON.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Refused(400, "The request body is not valid JSON", reason=reason) from error


def _refusal(kind: type[msgspec.Struct], message: str) -> Refused:
    found = _WHERE.fullmatch(message)
    what, path = (found["what"], found["path"] or "") if found else (message, "")
    prefix = f"{path}." if path else ""
    if lacks := _MISSING.fullmatch(what):
        return missing(prefix + lacks[1])
    if unknown := _UNKNOWN.fullmatch(what):
        return not_valid(prefix + unknown[1], "unknown parameter")
    choices = next(
        (
            _choices_in(field.type)
            for field in msgspec.structs.fields(kind)
            if field.encode_name == re.split(r"[.\[]", path)[0]
        ),
        (),
    )
    if choices and what.startswith("Invalid enum value"):
        return not_valid(path, f"must be one of {', '.join(choices)}", allowed=list(choices))
    return not_valid(path, (what[:1].lower() + what[1:]).replace("`", ""))


def _choices_in(annotation: Any) -> tuple[str, ...]:  # noqa: ANN401 - any type
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for part in get_args(annotation) if (found := _choices_in(part))), ())
