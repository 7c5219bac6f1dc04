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
        metrics=(Metric(name="accept", unit="requests/s"), Metric(name="process", unit="events/s")),
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
        for number, is_full in in_turns([False, True], rounds):
            _measure(site, kind, url if is_full else None, rates, load, processed, number)
    return [rates, looks]


def _measure(
    site: Site, kind: str, full: str | None, board: Board, load: Load, processed: int, number: int
) -> None:
    name = f"hooks, {TITLES[kind]}, {'full' if full else 'empty'}"
    run = f"growth-{'full' if full else 'empty'}-{number}"
    url = full or site.new_database(kind)
    with closing(EventLog.open(url)) as log:
        before = last_seq(log) if full else 0
        with accepting.open_ours(site, url) as door:
            accept = flood(door, chaozcode, load, requests=site.requests, run=f"{run}-accept").rate
        set_aside(log, after=before)
    with processing.open_ours(site, full or site.new_database(kind)) as crew:
        process = work_off(crew, processed, run=f"{run}-process")
    print(f"growth, round {number + 1}: {name}: accept {accept:,.0f}/s, process {process:,.0f}/s")
    board.add(name, accept=accept, process=process)


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
