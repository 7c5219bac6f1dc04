"""End to end: everything runs, on all cores, at a steady rate; the backlog and the memory must not grow."""

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks.board import Board, Metric
from benchmarks.candidates.accepting import Door
from benchmarks.candidates.ours import installation
from benchmarks.cores import MEASURED, REST, on_cores
from benchmarks.figures import in_turns
from benchmarks.load.dialect import chaozcode
from benchmarks.program import Program
from benchmarks.scenarios.accept import describe
from benchmarks.scenarios.accepting import Load, flood
from benchmarks.site import Site
from benchmarks.store import count_events, count_unfinished, require_outcomes
from eventlog.database import EventLog
from tests.servers.waiting import wait_until
from tests.system.up import free_port

_KINDS: Final = {"hooks, SQLite": "sqlite", "hooks, PostgreSQL": "postgresql"}
_ALL: Final = (MEASURED, REST)
_LOOK_SECONDS: Final = 2.0
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen at one moment."""

    backlog: int
    memory_bytes: int


def end_to_end(site: Site, *, load: Load, rounds: int) -> Board:
    board = Board(
        scenario="end-to-end",
        title="End to end",
        metrics=(
            Metric(name="rate", unit="events/s"),
            Metric(name="p99", unit="ms", digits=1),
            Metric(name="backlog_in_the_first_half", unit="events"),
            Metric(name="backlog_in_the_second_half", unit="events"),
            Metric(name="caught_up_after", unit="s", digits=1),
            Metric(name="memory_before", unit="MiB"),
            Metric(name="memory_after", unit="MiB"),
        ),
        notes=[
            describe(load, rounds),
            "a receiver, a worker, a clock, their servers and the sender on two cores",
        ],
    )
    for number, name in in_turns(list(_KINDS), rounds):
        found = _run(site, _KINDS[name], load, run=f"end{number}")
        print(f"end-to-end, round {number + 1}: {name}: {found}")
        board.add(name, **found)
    return board


def _run(site: Site, kind: str, load: Load, *, run: str) -> dict[str, float]:
    port = free_port()
    url = site.new_database(kind)
    with ExitStack() as opened:
        opened.enter_context(on_cores(*_ALL))
        ours, log = opened.enter_context(installation(site, url, PORT=str(port)))
        running = [
            opened.enter_context(ours.run(command, cores=_ALL)) for command in ("receiver", "worker", "clock")
        ]
        watch = Watch(log, running)
        watch.start()
        door = Door(port=port, rows=lambda: count_events(log))
        found = flood(door, chaozcode, load, folder=site.requests, run=run)
        looks = watch.stop()
        ended = time.monotonic()
        wait_until(lambda: count_unfinished(log) == 0, 120, every_seconds=0.1)
        caught_up = time.monotonic() - ended
        require_outcomes(log, count_events(log))
    middle = len(looks) // 2
    return {
        "rate": found.rate,
        "p99": found.p99_ms,
        "backlog_in_the_first_half": max(look.backlog for look in looks[: middle or 1]),
        "backlog_in_the_second_half": max(look.backlog for look in looks[middle:]),
        "caught_up_after": caught_up,
        "memory_before": looks[0].memory_bytes / _MIB,
        "memory_after": looks[-1].memory_bytes / _MIB,
    }


class Watch:
    """A thread that looks at the backlog and the memory, every other second."""

    def __init__(self, log: EventLog, running: Sequence[Program]) -> None:
        self._log = log
        self._running = running
        self._looks: list[Look] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[Look]:
        self._over.set()
        self._thread.join()
        return self._looks

    def _watch(self) -> None:
        while True:
            over = self._over.wait(_LOOK_SECONDS)
            memory = sum(each.memory_bytes() for each in self._running)
            self._looks.append(Look(backlog=count_unfinished(self._log), memory_bytes=memory))
            if over:
                return
