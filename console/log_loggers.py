"""What structlog calls for each line: it puts off the making of those that tell of good weather."""

import logging
from collections.abc import Callable
from functools import partial
from time import time
from typing import Any, Final

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

Write = Callable[[Any, str, EventDict], str]
"""Makes a line, given the logger, the method that was called, and the fields with `event` and `timestamp`."""

_UNCHANGING: Final = frozenset((str, int, float, bool, type(None)))


def written_by(write: Write) -> Processor:
    """Give the one processor that there is."""

    def process(logger: Any, level: str, line: EventDict) -> str:  # noqa: ANN401 - structlog's own is that
        line["timestamp"] = time()
        return write(logger, level, line)

    return process


def logger_class(level: int, write: Write) -> type[FilteringBoundLogger]:
    """Make the class of all loggers: its `info` leaves the making of a line to whoever puts it out.

    Between a handler and the next, a line costs a multiple of what it costs among lines, as nothing of that
    is in the processor's caches.
    """
    filtering = structlog.make_filtering_bound_logger(level)
    if level > logging.INFO:
        return filtering

    class Logger(filtering):  # type: ignore[misc, valid-type]
        def info(self, event: str, *args: object, **fields: Any) -> None:  # noqa: ANN401
            if args or self._context or "exc_info" in fields:
                super().info(event, *args, **fields)
                return
            for value in fields.values():
                if type(value) not in _UNCHANGING:
                    super().info(event, **fields)
                    return
            fields["event"] = event
            fields["timestamp"] = time()
            self._logger.info(partial(write, self._logger, "info", fields))

    return Logger
