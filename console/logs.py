"""How processes log: a fixed verb with fields, one line each, on standard output."""

import json
import logging
import sys
from datetime import UTC, datetime
from io import StringIO
from typing import Any, Final, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from console.log_bounds import bounded, cut
from console.log_output import LogLine, LogOutput
from console.settings import OutputSettings

_FOREIGN_LEVEL: Final = logging.WARNING
"""Libraries are heard from here on: what they say below it is for their own developers."""


def _as_json(line: EventDict, **_options: object) -> str:
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


def _json_line(logger: Any, level: str, line: EventDict) -> str:  # noqa: ANN401 - structlog's own is that
    """Do in one step what the processors below do in five: each event has lines of its own."""
    line = bounded(logger, level, line)
    if line.get("exc_info"):
        line = bounded(logger, level, structlog.processors.format_exc_info(logger, level, line))
    line["level"] = "error" if level == "exception" else level
    line["logger"] = logger.name
    line["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return _as_json(line)


def configure_logs(settings: OutputSettings) -> None:
    """Send all logs of this process, the libraries' too, to standard output in one format."""
    output = LogOutput()
    shared: list[Processor] = [
        bounded,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    as_json: list[Processor] = [
        structlog.processors.format_exc_info,
        bounded,
        structlog.processors.JSONRenderer(_as_json),
    ]
    as_text: list[Processor] = [
        # The plain traceback: the others show local variables, and with them bodies and keys.
        structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(),
            pad_event_to=0,
            exception_formatter=_short_traceback,
        )
    ]
    is_json = settings.format == "json"
    structlog.configure(
        processors=[_json_line] if is_json else [*shared, *as_text],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.level.upper()]
        ),
        logger_factory=lambda *names: LogLine(str(names[0]) if names else "hooks", output),
        cache_logger_on_first_use=True,
    )
    renderer = as_json if is_json else as_text
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=_FOREIGN_LEVEL, force=True)
