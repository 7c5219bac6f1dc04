"""Reaction: at a steady rate, how long from the 202 until the handler is called."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.board import Board, Metric
from benchmarks.candidates.accepting import Door
from benchmarks.candidates.ours import KINDS, installation
from benchmarks.cores import REST
from benchmarks.figures import in_turns, percentile
from benchmarks.load.dialect import chaozcode
from benchmarks.load.plan import Load
from benchmarks.scenarios.accept import describe
from benchmarks.scenarios.accepting import pace
from benchmarks.site import Site
from benchmarks.store import count_events, count_unfinished, require_outcomes
from tests.servers.waiting import wait_until
from tests.system.up import free_port

_DEADLINE_SECONDS: Final = 60


def reaction(site: Site, *, load: Load, rounds: int) -> Board:
    board = Board(
        scenario="reaction",
        title="From the 202 to the handler's call",
        metrics=(
            Metric(name="p99", unit="ms", digits=1),
            Metric(name="p50", unit="ms", digits=1),
            Metric(name="max", unit="ms", digits=1),
        ),
        notes=[
            f"{load.rate:g} events a second; the worker has core 0",
            describe(load, rounds),
        ],
    )
    for number, name in in_turns(list(KINDS), rounds):
        found = _react(site, KINDS[name], load, run=f"reaction{number}")
        print(f"reaction, round {number + 1}: {name}: p99 {percentile(found, 99):.1f} ms")
        board.add(name, p50=percentile(found, 50), p99=percentile(found, 99), max=max(found))
    return board


def _react(site: Site, kind: str, load: Load, *, run: str) -> list[float]:
    port = free_port()
    stamps = site.new_folder() / "stamps"
    settings = {"HOOKS_HANDLERS": "benchmarks.stamping_handler", "BENCH_STAMPS": str(stamps)}
    url = site.new_database(kind)
    with (
        installation(site, url, PORT=str(port)) as (ours, log),
        ours.run("receiver", cores=(REST,)),
        ours.run("worker", settings=settings),
    ):
        door = Door(port=port, rows=lambda: count_events(log))
        warm = replace(load, seconds=load.warm_up_seconds)
        for part, name in ((warm, "warm"), (load, "main")):
            seen = pace(door, chaozcode, part, run=f"{run}-{name}")
            wait_until(lambda: count_unfinished(log) == 0, _DEADLINE_SECONDS)
        require_outcomes(log, count_events(log))  # each by one attempt: a handler has one stamp
    called = _read_stamps(stamps)
    # A handler may be called before the sender has read the answer: that is no time at all.
    return [max(0, called[each] - answered) / 1e6 for each, answered in seen.answered_ns.items()]


def _read_stamps(stamps: Path) -> dict[str, int]:
    lines = (line.split() for line in stamps.read_text().splitlines())
    return {event_id: int(called) for event_id, called in lines}
