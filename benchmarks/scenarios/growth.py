"""Growth: what a log with millions of events in it costs: in rates, in time to look something up, on disk."""

import os
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.board import Board, Metric
from benchmarks.candidates import accepting, processing
from benchmarks.candidates.ours import TITLES
from benchmarks.figures import in_turns
from benchmarks.fill.filling import fill
from benchmarks.load.dialect import chaozcode
from benchmarks.load.plan import Load
from benchmarks.scenarios.accept import describe
from benchmarks.scenarios.accepting import flood
from benchmarks.scenarios.looks import looks_at, milliseconds
from benchmarks.scenarios.processing import work_off
from benchmarks.site import Site
from benchmarks.store import last_seq, set_aside
from eventlog.database import EventLog

_WARM_LOOKS: Final = 1
_AIM: Final = 0.9
_ACCEPT_RATIO: Final = Metric(name="accept_of_empty", digits=2)
_PROCESS_RATIO: Final = Metric(name="process_of_empty", digits=2)


def growth(
    site: Site,
    kinds: tuple[str, ...] = tuple(TITLES),
    *,
    events: int,
    load: Load,
    processed: int,
    rounds: int,
) -> list[Board]:
    """Measure an empty and a full log in turns; gives a board of rates and one of times to look up."""
    rates = Board(
        scenario="growth",
        title=f"An empty log, and one with {events:,} events",
        metrics=(
            Metric(name="accept", unit="requests/s"),
            _ACCEPT_RATIO,
            Metric(name="process", unit="events/s"),
            _PROCESS_RATIO,
        ),
        notes=[describe(load, rounds)],
    )
    looks = Board(
        scenario="growth-looks",
        title=f"Looking things up among {events:,} events",
        metrics=tuple(Metric(name=TITLES[kind], unit="ms", digits=1) for kind in kinds),
        notes=[f"the first page of 25, {max(3, rounds)} times after a first one"],
    )
    for kind in kinds:
        url = site.new_database(kind, keep=True)
        fill(url, events)
        os.sync()  # or what was just filled in would be written while it is measured
        rates.notes.append(f"{TITLES[kind]}: {_disk_bytes(url) / events:,.0f} bytes on disk an event")
        _look(url, looks, TITLES[kind], max(3, rounds))
        empty, full = (f"hooks, {TITLES[kind]}, {which}" for which in ("empty", "full"))
        found: dict[str, list[dict[str, float]]] = {empty: [], full: []}
        for number, name in in_turns([empty, full], rounds):
            one = _measure(site, kind, url if name == full else None, load, processed, f"growth-{number}")
            told = ", ".join(f"{metric} {rate:,.0f}/s" for metric, rate in one.items())
            print(f"growth, round {number + 1}: {name}: {told}")
            rates.add(name, **one)
            found[name].append(one)
        for before, after in zip(found[empty], found[full], strict=True):
            rates.add(full, **{f"{each}_of_empty": after[each] / before[each] for each in after})
    rates.notes.append(say_whether_reached(rates))
    return [rates, looks]


def say_whether_reached(rates: Board) -> str:
    """Hold each ratio against what was aimed at."""
    missed = [
        f"{name} ({metric.name.removesuffix('_of_empty')} {found.median:.2f})"
        for name in rates.candidates
        for metric in (_ACCEPT_RATIO, _PROCESS_RATIO)
        if (found := rates.spread(name, metric)) and found.median < _AIM
    ]
    aim = f"aimed at: {_AIM:g} of an empty log's rates"
    return f"{aim}; NOT REACHED: {', '.join(missed)}" if missed else f"{aim}; reached"


def _measure(
    site: Site, kind: str, full: str | None, load: Load, processed: int, run: str
) -> dict[str, float]:
    run = f"{run}-{'full' if full else 'empty'}"
    url = full or site.new_database(kind)
    with closing(EventLog.open(url)) as log:
        before = last_seq(log) if full else 0
        with accepting.open_ours(site, url) as door:
            accept = flood(door, chaozcode, load, requests=site.requests, run=f"{run}-accept").rate
        set_aside(log, after=before)
    with processing.open_ours(site, full or site.new_database(kind)) as crew:
        process = work_off(crew, processed, run=f"{run}-process")
    return {"accept": accept, "process": process}


def _look(url: str, board: Board, column: str, times: int) -> None:
    with closing(EventLog.open(url)) as log:
        for name, look in looks_at(log):
            for turn in range(_WARM_LOOKS + times):
                took = milliseconds(look)
                if turn >= _WARM_LOOKS:
                    board.add(name, **{column: took})


def _disk_bytes(url: str) -> int:
    if url.startswith("sqlite:///"):
        return Path(url.removeprefix("sqlite:///")).stat().st_size
    with psycopg.connect(url) as session:
        row = session.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(row[0]) if row else 0
