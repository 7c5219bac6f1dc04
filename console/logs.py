"""How processes log: a fixed verb with fields, one line each, on standard output."""

import json
import logging
import sys
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from console.log_bounds import bounded, cut
from console.settings import OutputSettings

_FOREIGN_LEVEL: Final = logging.WARNING
"""Libraries are heard from here on: what they say below it is for their own developers."""


@dataclass(frozen=True, slots=True)
class _Line:
    """Where finished lines go; one write each, so that lines of several threads never mix."""

    name: str

    def msg(self, message: str) -> None:
        # Whoever read standard output may be gone, or its disk full: work goes on, unheard.
        # Or a handler has just set it to something else.
        with suppress(OSError, ValueError, AttributeError):
            sys.stdout.write(message + "\n")
            sys.stdout.flush()

    debug = info = warning = error = critical = exception = msg


def _line(*names: Any) -> _Line:  # noqa: ANN401 - structlog hands on what get_logger was given
    return _Line(str(names[0]) if names else "hooks")


def _as_json(line: dict[str, Any], **_options: object) -> str:
    # Several times as fast as the standard library's, and stricter: it takes neither half a surrogate pair
    # nor every kind of key.
    try:
        return msgspec.json.encode(line, enc_hook=repr).decode()
    except Exception:  # noqa: BLE001 - a __repr__ of the user's code runs in there, too
        return json.dumps(line, default=repr, ensure_ascii=False)


def _short_traceback(output: TextIO, error: ExcInfo) -> None:
    whole = StringIO()
    structlog.dev.plain_traceback(whole, error)
    output.write(cut(whole.getvalue()))


def _exception_as_text(logger: object, name: str, line: EventDict) -> EventDict:
    if not line.get("exc_info"):
        return line
    return bounded(logger, name, structlog.processors.format_exc_info(logger, name, line))


def configure_logs(settings: OutputSettings) -> None:
    """Send all logs of this process, the libraries' too, to standard output in one format."""
    shared: list[Processor] = [
        bounded,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Processor] = (
        [_exception_as_text, structlog.processors.JSONRenderer(_as_json)]
        if settings.format == "json"
        # The plain traceback: the others show local variables, and with them bodies and keys.
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(),
                pad_event_to=0,
                exception_formatter=_short_traceback,
            )
        ]
    )
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.level.upper()]
        ),
        logger_factory=_line,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=_FOREIGN_LEVEL, force=True)
