"""What a log line says, in each format."""

import json
import string
from typing import Any

import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from console.log_lines import console_renderer, json_line, text_line
from console.log_loggers import logger_class, written_by
from console.log_output import LogLine

AT = 1_795_000_000.25
STAMP = "2026-11-18T11:06:40.250000Z"

FIELDS = st.dictionaries(
    st.text(string.ascii_lowercase, min_size=1, max_size=8).filter(
        lambda name: name not in ("event", "level", "logger", "timestamp", "stack", "exception")
    ),
    st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(), st.text(max_size=40)),
    max_size=6,
)


class Named:
    """A logger, as far as it goes into a line."""

    name = "worker"


def line(**fields: Any) -> dict[str, Any]:
    return {"event": "delivery_done", "timestamp": AT, **fields}


@settings(deadline=None)  # a busy machine is no failure
@given(fields=FIELDS)
def test_a_text_line_is_what_structlogs_own_renderer_makes_of_it(fields: dict[str, Any]) -> None:
    whole = {**line(**fields), "level": "info", "logger": "worker", "timestamp": STAMP}
    assert text_line(Named(), "info", line(**fields)) == console_renderer(colours=False)(None, "info", whole)


def test_a_text_line_with_a_traceback_has_it_below() -> None:
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        printed = text_line(Named(), "error", line(exc_info=True))
    first, *rest = printed.splitlines()
    assert first == f"{STAMP} [error    ] delivery_done [worker]"
    assert rest[0].startswith("Traceback")
    assert rest[-1] == "ZeroDivisionError: division by zero"


@settings(deadline=None)  # a busy machine is no failure
@given(fields=FIELDS)
def test_a_json_line_is_one_object(fields: dict[str, Any]) -> None:
    printed = json_line(Named(), "info", line(**fields))
    found = json.loads(printed)
    assert "\n" not in printed
    assert found.keys() == {"event", "level", "logger", "timestamp", *fields}
    assert (found["event"], found["level"], found["logger"], found["timestamp"]) == (
        "delivery_done",
        "info",
        "worker",
        STAMP,
    )


class Output:
    """Takes lines as `LogOutput` does, and keeps what they were when they were put out."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def write(self, line: Any, *, at_once: bool) -> None:
        self.lines.append((line, at_once))


def test_what_may_still_change_is_written_down_at_once() -> None:
    output = Output()
    logger = structlog.wrap_logger(
        LogLine("handler", output),  # type: ignore[arg-type]
        processors=[written_by(json_line)],
        wrapper_class=logger_class(20, json_line),
    )
    changing = ["before"]
    logger.info("plain", number=1)
    logger.info("changing", found=changing)
    logger.bind(event_id="evt_1").info("bound")
    logger.debug("not said")
    logger.warning("bad", number=1)
    changing[0] = "after"

    written = [
        (json.loads(line if isinstance(line, str) else line()), at_once) for line, at_once in output.lines
    ]
    assert [(each["event"], at_once) for each, at_once in written] == [
        ("plain", False),
        ("changing", False),
        ("bound", False),
        ("bad", True),
    ]
    assert written[0][0]["number"] == 1
    assert written[1][0]["found"] == ["before"]
    assert written[2][0]["event_id"] == "evt_1"
    assert callable(output.lines[0][0])
