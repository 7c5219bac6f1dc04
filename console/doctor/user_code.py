"""Whether the handlers load."""

import sys
from collections.abc import Iterator
from contextlib import redirect_stdout

from console.doctor.finding import Finding, ok, problem, warning
from handlers.discovery import discover, warnings_for
from handlers.errors import HandlerError
from handlers.settings import HandlerSettings


def check_handlers() -> Iterator[Finding]:
    """Load the handlers as a worker would."""
    try:
        # What modules print while they load must not get between the findings.
        with redirect_stdout(sys.stderr):
            router = discover(HandlerSettings())
    except HandlerError as error:
        yield problem("handlers", str(error), "correct it: no worker starts before that")
        return
    for text in warnings_for(router):
        yield warning(
            "handlers", text, "correct the pattern, or say that it is right: on(..., undocumented=True)"
        )
    count = len(router.handlers)
    if count:
        yield ok("handlers", f"{count} loaded; hooks handlers list shows what they listen for")
    else:
        yield warning(
            "handlers",
            "none is registered: every event will be unhandled",
            "write one (hooks handlers new), or name a module that has some in HOOKS_HANDLERS",
        )
