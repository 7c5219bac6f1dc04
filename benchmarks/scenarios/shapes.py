"""Accept, for every shape of load: small and large bodies, one connection and hundreds, repeated events."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from benchmarks.board import Board, Metric
from benchmarks.candidates.accepting import ACCEPTING, Accepting
from benchmarks.figures import in_turns
from benchmarks.load.dialect import chaozcode
from benchmarks.load.plan import Load
from benchmarks.scenarios.accepting import flood
from benchmarks.site import Site

COLUMNS: Final = {"SQLite": "hooks, SQLite", "PostgreSQL": "hooks, PostgreSQL", "floor": "floor"}
_USUAL: Final = Load(size=1024, connections=32, warm_up_seconds=1.0)
SHAPES: Final[Mapping[str, Load]] = {
    "1 KiB, 32 connections": _USUAL,
    "200 bytes": replace(_USUAL, size=200),
    "10 KiB": replace(_USUAL, size=10 * 1024),
    "100 KiB": replace(_USUAL, size=100 * 1024),
    "1 connection": replace(_USUAL, connections=1),
    "8 connections": replace(_USUAL, connections=8),
    "128 connections": replace(_USUAL, connections=128),
    "256 connections": replace(_USUAL, connections=256),
    "a subject of its own each": replace(_USUAL, own_subjects=True),
    "a fifth sent before": replace(_USUAL, duplicates=0.2),
    "a connection a request, 1 at a time": replace(_USUAL, connections=1, keep_alive=False),
    "a connection a request, 32 at a time": replace(_USUAL, keep_alive=False),
    "a connection a request, 256 at a time": replace(_USUAL, connections=256, keep_alive=False),
}


def shapes(site: Site, chosen: Mapping[str, Load] = SHAPES, *, seconds: float, rounds: int) -> Board:
    """Send each shape to every candidate in turn, each time on an empty store."""
    board = Board(
        scenario="accept-shapes",
        title="Accept, by the shape of the load",
        metrics=(
            *(Metric(name=f"{each} of floor", digits=2) for each in COLUMNS if each != "floor"),
            *(Metric(name=each, unit="requests/s") for each in COLUMNS),
            *(Metric(name=f"{each} p99", unit="ms", digits=1) for each in COLUMNS),
        ),
        notes=[
            (
                f"{rounds} rounds of {seconds:g} s; where nothing else is said: bodies of 1 KiB,"
                " 32 connections that are kept alive, events sent once"
            ),
        ],
    )
    by_name = {candidate.name: candidate for candidate in ACCEPTING}
    candidates = {column: by_name[name] for column, name in COLUMNS.items()}
    for number, shape in in_turns(list(chosen), rounds):
        load = replace(chosen[shape], seconds=seconds)
        found = _send(site, candidates, load, run=f"shape{number}-{shape}", turn=number)
        ratios = ", ".join(f"{each} {found[f'{each} of floor']:.2f}" for each in COLUMNS if each != "floor")
        print(f"accept-shapes, round {number + 1}: {shape}: of the floor: {ratios}")
        board.add(shape, **found)
    return board


def _send(
    site: Site, candidates: Mapping[str, Accepting], load: Load, *, run: str, turn: int
) -> dict[str, float]:
    found: dict[str, float] = {}
    columns = list(candidates)
    for column in [*columns[turn % len(columns) :], *columns[: turn % len(columns)]]:
        with candidates[column].opened(site) as door:
            seen = flood(door, chaozcode, load, requests=site.requests, run=run)
        found |= {column: seen.rate, f"{column} p99": seen.p99_ms}
    floor = found["floor"]
    return found | {f"{each} of floor": found[each] / floor for each in columns if each != "floor" and floor}
