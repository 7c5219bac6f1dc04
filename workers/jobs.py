"""The function that RQ jobs name; it finds the runner of the process that it is called in."""

from contextvars import ContextVar
from typing import Final

from workers.runner import Runner

CURRENT_RUNNER: Final[ContextVar[Runner]] = ContextVar("CURRENT_RUNNER")


def run_events(event_ids: list[str], replay: int = 0, queue: str | None = None) -> None:
    """Run events of the log, in the original run (0) or in a replay; or their deliveries of a `queue`.

    None and "hooks" come by the same queue of RQ, and claim what the other leaves: see `Hold.queue`.
    """
    CURRENT_RUNNER.get().run(event_ids, replay, queue)
