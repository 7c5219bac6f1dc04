"""Wait for a replay: until all of it was handed out, and has run or waits for its next attempt."""

import time
from datetime import timedelta
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from console.replay_report import Report, counted, read_report
from eventlog.canary import ALL, STAGES, stage_of
from eventlog.database import EventLog
from eventlog.heartbeats import read_heartbeats

_LOOK_EVERY: Final = timedelta(seconds=0.2)
_LOOKS_PER_CHECK: Final = 25
"""Whether clock and worker are still alive is looked up with every 25th look, every 5 seconds."""


def missing_processes(log: EventLog) -> list[str]:
    """Return which of the processes that a replay needs are not alive."""
    alive = {heartbeat.kind for heartbeat in read_heartbeats(log) if heartbeat.is_alive}
    return [kind for kind in ("clock", "worker") if kind not in alive]


def watch(log: EventLog, replay_id: int, *, total: int | None) -> Report:
    """Show a bar until there is nothing left to wait for, or nobody to wait for.

    `total` is how many events will be looked at, None where they are too many to count.
    """
    looks = 0
    told_stage = 0
    with _bar() as bar:
        handed_out = bar.add_task("handed out", total=total)
        run = bar.add_task("run", total=None)
        while True:
            report = read_report(log, replay_id)
            assert report is not None  # noqa: S101 - replays are never removed
            stage = stage_of(report.replay) or 0
            for each in range(told_stage + 1, stage + 1):  # it may have passed some between two looks
                bar.console.print(_stage_words(each), highlight=False)
            told_stage = max(told_stage, stage)
            bar.update(handed_out, completed=report.replay.events)
            bar.update(run, total=report.made or None, completed=report.made - report.at_work)
            looks += 1
            if not report.is_at_work or (looks % _LOOKS_PER_CHECK == 0 and missing_processes(log)):
                return report
            time.sleep(_LOOK_EVERY.total_seconds())


def _stage_words(stage: int) -> str:
    if stage == 1:
        return "Canary: one delivery first."
    before, upto = STAGES[stage - 2], STAGES[stage - 1]
    bound = "all others" if upto == ALL else f"{upto - before:,} more"
    return f"Canary: {counted(before, 'delivery', 'deliveries')} ended well; now {bound}."


def _bar() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description:10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
