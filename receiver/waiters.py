"""Those who wait for a receipt: threads of a WSGI server, and requests in an event loop."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress

from eventlog.arrival import Receipt

Waiter = Future[Receipt] | asyncio.Future[Receipt]
"""What one request waits for; it cancels it when it waits no longer."""

Outcome = Receipt | Exception


def still_waits(waiter: Waiter) -> bool:
    """Tell whether an outcome is still wanted; a thread can't cancel from then on."""
    if isinstance(waiter, Future):
        return waiter.set_running_or_notify_cancel()
    return not waiter.done()


def tell(outcomes: Sequence[tuple[Waiter, Outcome]]) -> None:
    """Wake all of a batch, with one call into each event loop; called by the committer's thread."""
    in_loops: dict[asyncio.AbstractEventLoop, list[tuple[Waiter, Outcome]]] = {}
    for waiter, outcome in outcomes:
        if isinstance(waiter, Future):
            _tell(waiter, outcome)
        else:
            in_loops.setdefault(waiter.get_loop(), []).append((waiter, outcome))
    for loop, of_loop in in_loops.items():
        with suppress(RuntimeError):  # it is closed: nobody waits there any more
            loop.call_soon_threadsafe(_tell_all, of_loop)


def _tell_all(outcomes: Sequence[tuple[Waiter, Outcome]]) -> None:
    for waiter, outcome in outcomes:
        if not waiter.done():  # nor given up
            _tell(waiter, outcome)


def _tell(waiter: Waiter, outcome: Outcome) -> None:
    if isinstance(outcome, Receipt):
        waiter.set_result(outcome)
    else:
        waiter.set_exception(outcome)
