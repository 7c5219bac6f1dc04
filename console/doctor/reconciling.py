"""Whether the log agrees with itself and with the queue: what is stranded is named, and mended if asked."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from console.doctor.finding import Finding, mended, naming, ok, problem, warning
from eventlog.database import EventLog
from eventlog.reconciliation.ailment import Ailment, Severity
from eventlog.reconciliation.mending import mend
from eventlog.reconciliation.of_deliveries import OF_DELIVERIES, OF_REPLAYS
from eventlog.reconciliation.of_events import OF_EVENTS
from eventlog.reconciliation.of_lone import OF_LONE
from eventlog.reconciliation.search import (
    FOUND_AT_MOST,
    ROWS,
    Extent,
    Ill,
    Part,
    measure,
    parts,
    search,
    suspected,
)
from eventlog.states import State
from workers.queue.registries import QueueContents

_CHECK: Final = "reconciled"
_AILMENTS: Final = (*OF_LONE, *OF_DELIVERIES, *OF_EVENTS, *OF_REPLAYS)
"""In the order of mending: an event that waits follows its deliveries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What mending needs."""

    send: Callable[[Sequence[str], int], bool]
    """Send jobs for events in a run; tells whether they could be sent."""
    renewal_seconds: float
    """After so long a living worker has renewed its lease."""
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What was found of one ailment so far."""

    left: list[Ill] = field(default_factory=list)
    cured: list[Ill] = field(default_factory=list)
    is_more: bool = False
    unsent: bool = False


class Reconciliation:
    """One look at the whole log, or at what is unfinished and what is newest."""

    def __init__(
        self,
        log: EventLog,
        queue: QueueContents | None,
        *,
        repair: Repair | None = None,
        progress: Callable[[Part, Extent], None] | None = None,
    ) -> None:
        """`queue` is None where Redis is away; with `progress`, the whole log is looked at."""
        self._log = log
        self._named = _named_by(queue)
        self._reads_whole_queue = queue is None or queue.is_whole
        self._repair = repair
        self._progress = progress
        self._has_waited = False
        self._tallies = {ailment: _Tally() for ailment in _AILMENTS}

    def check(self) -> Iterator[Finding]:
        extent = measure(self._log)
        interrupted_at = self._look(extent)
        for ailment, tally in self._tallies.items():
            yield from _tell(ailment, tally)
        if interrupted_at is not None:
            yield warning(
                _CHECK,
                f"interrupted: of {extent.last_seq:,} events, the first {interrupted_at:,} were looked at",
                "run it again when there is time: hooks doctor --all",
            )
        elif not any(
            tally.left and ailment.severity is Severity.STRANDED for ailment, tally in self._tallies.items()
        ):
            yield ok(_CHECK, self._extent_in_words(extent))

    def _look(self, extent: Extent) -> int | None:
        """Look part by part; gives the seq up to which it came, if it was interrupted."""
        if self._progress is None:
            self._look_at(None)
            return None
        upto = 0
        try:
            for part in parts(extent):
                self._progress(part, extent)
                self._look_at(part)
                upto = part.upto
        except KeyboardInterrupt:
            return upto
        return None

    def _look_at(self, part: Part | None) -> None:
        # What is mended may bring out the next: then each is looked for in its turn.
        among_all = part is not None or self._repair is not None
        for ailment in _AILMENTS if among_all else suspected(self._log, _AILMENTS):
            tally = self._tallies[ailment]
            found = self._search(ailment, part)
            if self._repair is not None and ailment.cure is not None:
                while found:
                    cured = self._mend(ailment, found, self._repair, tally)
                    tally.cured += cured
                    found = self._search(ailment, part)
                    if not cured:
                        break
            tally.is_more = tally.is_more or len(found) >= FOUND_AT_MOST
            tally.left += found

    def _search(self, ailment: Ailment, part: Part | None) -> list[Ill]:
        found = search(self._log, ailment, part)
        return [ill for ill in found if not self._is_backlog(ailment, ill)]

    def _is_backlog(self, ailment: Ailment, ill: Ill) -> bool:
        """Tell whether it is queued, and a waiting job names it, or may do so unread."""
        if not ailment.may_be_backlog or ill.state != State.QUEUED:
            return False
        return not self._reads_whole_queue or (ill.event_id, ill.replay) in self._named

    def _mend(self, ailment: Ailment, found: list[Ill], repair: Repair, tally: _Tally) -> list[Ill]:
        if ailment.may_be_held and not self._has_waited:
            repair.sleep(repair.renewal_seconds)
            self._has_waited = True
        cured = mend(self._log, ailment, found)
        if ailment.sends_jobs:
            for replay in sorted({ill.replay for ill in cured}):
                ids = list(dict.fromkeys(ill.event_id for ill in cured if ill.replay == replay))
                tally.unsent |= not repair.send(ids, replay)
        return cured

    def _extent_in_words(self, extent: Extent) -> str:
        if self._progress is not None:
            return f"all {extent.last_seq:,} events agree with their deliveries"
        many = f"more than {ROWS:,}" if extent.unfinished > ROWS else f"{extent.unfinished:,}"
        newest = min(ROWS, extent.last_seq)
        return f"{many} unfinished events and the newest {newest:,} agree with their deliveries"


def _named_by(queue: QueueContents | None) -> set[tuple[str, int]]:
    jobs = () if queue is None else queue.jobs
    return {(event_id, job.replay) for job in jobs for event_id in job.event_ids}


def _tell(ailment: Ailment, tally: _Tally) -> Iterator[Finding]:
    if tally.cured:
        names = [ill.name for ill in tally.cured]
        later = "; the clock sends their jobs when Redis is back" if tally.unsent else ""
        yield mended(
            ailment.name,
            f"{len(names):,} {ailment.says}; {ailment.cured}{later}: {naming(names)}",
            names[:FOUND_AT_MOST],
        )
    if tally.left:
        names = [ill.name for ill in tally.left]
        number = f"{len(names):,} or more" if tally.is_more else f"{len(names):,}"
        told = problem if ailment.severity is Severity.STRANDED else warning
        yield told(
            ailment.name, f"{number} {ailment.says}: {naming(names)}", ailment.todo, names[:FOUND_AT_MOST]
        )
