"""End to end: everything runs, on all cores, at a steady rate; the backlog and the memory must not grow."""

import time
from array import array
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.board import Board, Metric
from benchmarks.candidates.accepting import Door
from benchmarks.candidates.ours import KINDS, installation
from benchmarks.cores import ALL
from benchmarks.figures import in_turns, percentile
from benchmarks.load.dialect import chaozcode
from benchmarks.load.plan import Load
from benchmarks.scenarios.accept import describe
from benchmarks.scenarios.accepting import flood
from benchmarks.site import Site
from benchmarks.store import CountsDiffer, count_events, count_unfinished, require_outcomes
from benchmarks.watch import Look, Watch, course_of, judge
from tests.servers.waiting import wait_until
from tests.system.up import free_port

_COMMANDS: Final = ("receiver", "worker", "clock")
_CATCH_UP_SECONDS: Final = 120
_MIB: Final = 1024 * 1024


def end_to_end(site: Site, *, load: Load, rounds: int, kinds: tuple[str, ...]) -> Board:
    board = Board(
        scenario="end-to-end",
        title="End to end",
        metrics=(
            Metric(name="rate", unit="events/s"),
            Metric(name="reaction_p50", unit="ms", digits=1),
            Metric(name="reaction_p99", unit="ms", digits=1),
            Metric(name="answer_p99", unit="ms", digits=1),
            Metric(name="backlog_in_the_first_half", unit="events"),
            Metric(name="backlog_in_the_second_half", unit="events"),
            Metric(name="caught_up_after", unit="s", digits=1),
            Metric(name="memory_near_the_start", unit="MiB"),
            Metric(name="memory_at_the_end", unit="MiB"),
        ),
        notes=[
            f"{load.rate:,.0f} events a second were asked for",
            describe(load, rounds),
            "a receiver, a worker, a clock, their servers and the sender on two cores",
            "reaction: from when the receiver had the request until the handler's call, with the commit",
            "backlog: the median of what was unfinished, looked at every other second",
        ],
    )
    chosen = [name for name, kind in KINDS.items() if kind in kinds]
    for number, name in in_turns(chosen, rounds):
        found, told = _run(site, KINDS[name], load, run=f"end{number}")
        print(f"end-to-end, round {number + 1}: {name}: {'; '.join(told)}")
        board.notes += [f"{name}, round {number + 1}: {each}" for each in told]
        board.add(name, **found)
    return board


def _run(site: Site, kind: str, load: Load, *, run: str) -> tuple[dict[str, float], list[str]]:
    port = free_port()
    lags = site.new_folder() / "lags"
    settings = {"HOOKS_HANDLERS": "benchmarks.lag_handler", "BENCH_LAGS": str(lags), "PORT": str(port)}
    with ExitStack() as opened:
        ours, log = opened.enter_context(installation(site, site.new_database(kind)))
        running = {
            command: opened.enter_context(ours.run(command, cores=ALL, settings=settings))
            for command in _COMMANDS
        }

        def look() -> Look:
            memory = {command: each.memory_bytes() for command, each in running.items()}
            return Look(backlog=count_unfinished(log), memory_bytes=memory)

        site.requests.file(run, "main", chaozcode, load)  # before anything is looked at
        watch = Watch(look)
        watch.start()
        door = Door(port=port, rows=lambda: count_events(log))
        found = flood(door, chaozcode, load, requests=site.requests, run=run)
        looks = watch.stop()
        ended = time.monotonic()
        try:
            wait_until(lambda: count_unfinished(log) == 0, _CATCH_UP_SECONDS, every_seconds=0.1)
        except AssertionError:
            left = count_unfinished(log)
            raise CountsDiffer(
                f"{kind}: {_CATCH_UP_SECONDS} s after the load of {load.rate:,.0f} a second (taken:"
                f" {found.rate:,.0f}) {left:,} events are unfinished"
            ) from None
        caught_up = time.monotonic() - ended
        require_outcomes(log, count_events(log))
        reaction = _read_lags(lags)
    course = course_of(looks)
    first, second = course.backlogs
    return {
        "rate": found.rate,
        "reaction_p50": percentile(reaction, 50) / 1e3,
        "reaction_p99": percentile(reaction, 99) / 1e3,
        "answer_p99": found.p99_ms,
        "backlog_in_the_first_half": first,
        "backlog_in_the_second_half": second,
        "caught_up_after": caught_up,
        "memory_near_the_start": course.memory[0].whole_memory_bytes / _MIB,
        "memory_at_the_end": course.memory[-1].whole_memory_bytes / _MIB,
    }, judge(course, asked=load.rate or 0, rate=found.rate)


def _read_lags(lags: Path) -> "array[float]":
    with lags.open() as lines:
        return array("d", map(float, lines))
