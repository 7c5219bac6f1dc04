"""Accept: signed, unique events from several connections, as fast as each candidate answers."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.board import Board, Metric
from benchmarks.candidates.accepting import ACCEPTING, Accepting
from benchmarks.figures import in_turns, percentile
from benchmarks.load.plan import Load
from benchmarks.scenarios.accepting import flood, pace
from benchmarks.site import Site


def accept(site: Site, chosen: Sequence[Accepting] = ACCEPTING, *, load: Load, rounds: int) -> Board:
    board = Board(
        scenario="accept",
        title="Accept",
        metrics=(
            Metric(name="rate", unit="requests/s"),
            Metric(name="p50", unit="ms", digits=1),
            Metric(name="p99", unit="ms", digits=1),
            Metric(name="refused"),
        ),
        reference="floor",
        notes=[describe(load, rounds), _durability(chosen)],
    )
    for number, candidate in in_turns(chosen, rounds):
        with candidate.opened(site) as door:
            run = f"accept{number}"
            # A peer may cut connections: the table shows it.
            found = flood(door, candidate.dialect, load, requests=site.requests, run=run, may_break=True)
        refused = found.refused + found.broken
        print(f"accept, round {number + 1}: {candidate.name}: {found.rate:,.0f}/s, p99 {found.p99_ms:.1f} ms")
        board.add(candidate.name, rate=found.rate, p50=found.p50_ms, p99=found.p99_ms, refused=refused)
    return board


def accept_paced(site: Site, chosen: Sequence[Accepting] = ACCEPTING, *, load: Load, rounds: int) -> Board:
    board = Board(
        scenario="accept-paced",
        title="Accept, at a steady rate",
        metrics=(
            Metric(name="p99", unit="ms", digits=2),
            Metric(name="p50", unit="ms", digits=2),
            Metric(name="max", unit="ms", digits=1),
        ),
        notes=[
            f"{load.rate:g} requests a second; from the moment a request was due to its answer",
            describe(load, rounds),
            _durability(chosen),
        ],
    )
    for number, candidate in in_turns(chosen, rounds):
        with candidate.opened(site) as door:
            warm = replace(load, seconds=load.warm_up_seconds)
            pace(door, candidate.dialect, warm, run=f"warm{number}")
            found = pace(door, candidate.dialect, load, run=f"paced{number}").milliseconds
        print(f"accept-paced, round {number + 1}: {candidate.name}: p99 {percentile(found, 99):.2f} ms")
        board.add(candidate.name, p50=percentile(found, 50), p99=percentile(found, 99), max=max(found))
    return board


def describe(load: Load, rounds: int) -> str:
    """Say what was sent, for the note below the table."""
    return (
        f"{rounds} rounds of {load.seconds:g} s, {load.connections} connections"
        f"{'' if load.keep_alive else ', a new one for each request'}, bodies of {load.size:,} bytes"
        f"{f', {load.duplicates:.0%} of them sent before' if load.duplicates else ''}"
    )


def _durability(chosen: Sequence[Accepting]) -> str:
    names = ", ".join(candidate.name for candidate in chosen if not candidate.is_durable)
    return f"answered before anything is on disk: {names}" if names else "all are on disk before they answer"
