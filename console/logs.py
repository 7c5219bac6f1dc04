"""How processes log: a fixed verb with fields, one line each, on standard output."""

import logging
import sys
from time import time
from typing import Final

import structlog
from structlog.typing import Processor

from console.log_bounds import bounded
from console.log_lines import as_json, coloured_line, console_renderer, json_line, text_line
from console.log_loggers import Write, logger_class, written_by
from console.log_output import LibraryLines, LogLine, LogOutput
from console.settings import OutputSettings

_FOREIGN_LEVEL: Final = logging.WARNING
"""Libraries are heard from here on: what they say below it is for their own developers."""


def configure_logs(settings: OutputSettings) -> None:
    """Send all logs of this process, the libraries' too, to standard output in one format."""
    is_terminal = sys.stdout.isatty()
    write: Write = coloured_line if is_terminal else text_line
    renderers: list[Processor] = [console_renderer(colours=is_terminal)]
    if settings.format == "json":
        write = json_line
        renderers = [
            structlog.processors.format_exc_info,
            bounded,
            structlog.processors.JSONRenderer(as_json),
        ]

    def lines_lost(lines: int) -> str:
        fields = {"event": "lines_lost", "lines": lines, "timestamp": time()}
        return write(LogLine("hooks", output), "warning", fields)

    output = LogOutput(lines_lost)
    structlog.configure(
        processors=[written_by(write)],
        wrapper_class=logger_class(logging.getLevelNamesMapping()[settings.level.upper()], write),
        logger_factory=lambda *names: LogLine(str(names[0]) if names else "hooks", output),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            bounded,
            structlog.processors.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )
    handler = LibraryLines(output)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=_FOREIGN_LEVEL, force=True)
