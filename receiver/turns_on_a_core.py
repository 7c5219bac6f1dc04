"""How the kernel lets this process's threads take turns on a core."""

import os
import sys
from contextlib import suppress


def finish_before_others() -> None:
    """Let each thread of this process go on with what lies before it when it wakes another one.

    A request passes through three threads: granian's, the event loop's and the committer's. By default each
    that is woken takes the core from the one that woke it, so that under load every request changes threads
    several times. Batch scheduling leaves the core to the waking one, whose requests then go on together; a
    core that has nothing to do takes the woken one at once, as ever. Where the system knows no such thing, or
    does not allow it, nothing changes.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
