"""The text of a new handler's file and of its test's: examples of good style, to be changed at once."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from console.handlers.sample import sample_of, sample_type
from eventlog.event import KNOWN_TYPES
from handlers import data

_LONGEST_LINE: Final = 88
"""As ruff and black have it, unless they are told otherwise."""


def text_of_handler(name: str, patterns: Sequence[str], *, undocumented: bool) -> str:
    """Write a handler that logs what it gets; with typed data where it is for one documented type."""
    shape = _shape(patterns)
    options = [json.dumps(pattern) for pattern in patterns]
    if undocumented:
        options.append("undocumented=True")
    lines = [
        f'"""What to do about {_listed(patterns)}."""',
        "",
        "from handlers import Context, Event, Router",
        *([f"from handlers.data import {shape.__name__}"] if shape else []),
        "",
        "router = Router()",
        "",
        "",
        _call("@router.on", options),
        f"def {name}(event: Event, ctx: Context) -> None:",
    ]
    if shape is None:
        lines.append('    ctx.log.info("seen", type=event.type, subject=event.subject)')
    else:
        lines.append(f"    data: {shape.__name__} = event.data")
        lines.append(f'    ctx.log.info("seen", subject=event.subject, {_field(shape)})')
    return "\n".join(lines) + "\n"


def text_of_test(name: str, patterns: Sequence[str]) -> str:
    """Write a test that runs the handler on an event that ChaozCode might send."""
    lines = (
        f'"""Whether {name} does what it should."""',
        "",
        "from handlers.testing import Succeeded, make_event, run",
        "",
        f"from .{name} import {name}",
        "",
        "",
        f"def test_{name}_takes_an_event() -> None:",
        text_of_event(sample_type(patterns), margin="    "),
        f"    result = run({name}, event)",
        "    assert result.outcome == Succeeded()",
        '    assert result.logs[0]["subject"] == event.subject',
    )
    return "\n".join(lines) + "\n"


def text_of_event(event_type: str, *, margin: str = "") -> str:
    """Write the statement that makes an event of this type, with plausible data."""
    sample = [f"{key}={json.dumps(value)}" for key, value in sample_of(event_type).items()]
    return _call(f"{margin}event = make_event", [json.dumps(event_type), *sample])


def _shape(patterns: Sequence[str]) -> Any:  # noqa: ANN401 - a TypedDict is no class to mypy
    if len(patterns) > 1 or patterns[0] not in KNOWN_TYPES:
        return None
    return getattr(data, "".join(part.capitalize() for part in patterns[0].split(".")))


def _field(shape: Any) -> str:  # noqa: ANN401
    """Log one thing more than the subject: read as the shape says that it can be read."""
    keys = list(shape.__annotations__)
    key = next((key for key in keys if not key.endswith("Id")), keys[0])
    value = f'data["{key}"]' if key in shape.__required_keys__ else f'data.get("{key}")'
    return f"{re.sub('(?=[A-Z])', '_', key).lower()}={value}"


def _listed(patterns: Sequence[str]) -> str:
    if patterns[0] == "*":
        return "every event"
    return patterns[0] if len(patterns) == 1 else "these events"


def _call(function: str, arguments: Sequence[str]) -> str:
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= _LONGEST_LINE:
        return line
    margin = " " * (len(function) - len(function.lstrip()))
    inner = "".join(f"{margin}    {argument},\n" for argument in arguments)
    return f"{function}(\n{inner}{margin})"
