"""Whether replays come forward, and made what they say."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from console.doctor.finding import Finding, ok, warning
from eventlog.database import EventLog
from eventlog.lone_backlog import is_far_ahead
from eventlog.reconciliation.replay_counts import read_miscounts
from eventlog.replays import Replay, ReplayState, read_outcomes, read_replays
from eventlog.states import HELD_BACK, UNFINISHED
from workers.queue.registries import QueueContents

_CHECK: Final = "replays"
_ROOM_JOBS: Final = 20
"""With more jobs waiting the clock hands out no replays: fresh events go first."""
_LOOKS: Final = 12
_LOOK_EVERY_SECONDS: Final = 0.25
"""A clock feeds each replay an event a second at the least."""


def check_replays(
    log: EventLog, queue: QueueContents | None, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Finding]:
    """Watch those that are being handed to the queue for some seconds, as long as none comes forward."""
    miscounts = read_miscounts(log)
    for miscount in miscounts:
        yield warning(
            _CHECK,
            f"replay {miscount.replay} says that it made {miscount.says:,} deliveries,"
            f" and the log has {miscount.found:,}",
            f"see hooks replays show {miscount.replay}; if some are missing, replay those events again",
        )
    running = {replay.id: replay for replay in read_replays(log, state=ReplayState.RUNNING)}
    is_fed_now = queue is not None and queue.waiting <= _ROOM_JOBS
    still = _standing_still(log, running, sleep) if is_fed_now else []
    for replay in still:
        yield warning(
            _CHECK,
            f"replay {replay.id} does not come forward, after {replay.events:,} events",
            "see that a clock runs (hooks clock), and what it logs",
        )
    if miscounts or still:
        return
    if running and not is_fed_now:
        yield ok(_CHECK, f"{_count(len(running))} being fed, once fewer jobs wait")
    else:
        yield ok(_CHECK, f"{_count(len(running))} being fed")


def _standing_still(
    log: EventLog, running: dict[int, Replay], sleep: Callable[[float], None]
) -> list[Replay]:
    still = {number: replay for number, replay in running.items() if not _waits(log, replay)}
    for _ in range(_LOOKS):
        if not still:
            break
        sleep(_LOOK_EVERY_SECONDS)
        now = {replay.id: replay for replay in read_replays(log, state=ReplayState.RUNNING)}
        still = {number: replay for number, replay in still.items() if now.get(number) == replay}
    return list(still.values())


def _waits(log: EventLog, replay: Replay) -> bool:
    """Tell whether it stands still because deliveries are still to run, or of a canary's stage to end."""
    return is_far_ahead(log, replay) or (
        replay.canary is not None
        and any(state in (*UNFINISHED, *HELD_BACK) for state in read_outcomes(log, replay.id))
    )


def _count(number: int) -> str:
    return f"{number or 'no'} replay{' is' if number <= 1 else 's are'}"
