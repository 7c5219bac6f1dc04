"""Scale out: more receiver processes and workers on one PostgreSQL, and what of it the database takes."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final

from benchmarks import waiting_handler
from benchmarks.board import Board, Metric
from benchmarks.candidates.accepting import Door
from benchmarks.candidates.ours import Installation, installation
from benchmarks.candidates.processing import open_ours
from benchmarks.cores import ALL
from benchmarks.figures import in_turns
from benchmarks.load.dialect import chaozcode
from benchmarks.load.plan import Load
from benchmarks.load.wrk import Flood
from benchmarks.program import program
from benchmarks.scenarios.accept import describe
from benchmarks.scenarios.accepting import flood
from benchmarks.scenarios.processing import work_off, work_off_metered
from benchmarks.site import Site
from benchmarks.store import count_events, count_unfinished, require_outcomes
from eventlog.database import EventLog
from tests.servers.waiting import wait_until
from tests.system.up import free_port
from workers.queue.redis_queue import IDS_A_JOB

CREWS: Final = ((1, 1), (2, 1), (2, 2), (2, 4))
"""Receiver processes, and workers."""
_DEADLINE_SECONDS: Final = 120.0
_BOTH: Final = Metric(name="both_at_once", unit="events/s")
WAITING_EVENTS_SHARE: Final = 0.1
"""Of the events to process, for handlers that wait."""
_ACCEPTED: Final = Metric(name="database_an_event_accepted", unit="µs")
_PROCESSED: Final = Metric(name="database_an_event_processed", unit="µs")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crew:
    """So many receiver processes and workers."""

    receivers: int
    workers: int

    @property
    def name(self) -> str:
        return f"hooks, {self.receivers} x receiver, {self.workers} x worker"


def scale_out(site: Site, *, load: Load, processed: int, rounds: int) -> Board:
    """Measure accepting alone, processing alone and both at once, for each number of processes."""
    crews = [_Crew(receivers=receivers, workers=workers) for receivers, workers in CREWS]
    board = Board(
        scenario="scale-out",
        title="More receivers and workers on one PostgreSQL",
        metrics=(
            _BOTH,
            Metric(name="accept", unit="events/s"),
            Metric(name="process", unit="events/s"),
            Metric(name="process_with_handlers_that_wait", unit="events/s"),
            Metric(name="database_at_both", unit="cores", digits=2),
            _ACCEPTED,
            _PROCESSED,
        ),
        reference=crews[0].name,
        notes=[
            describe(load, rounds),
            (
                "PostgreSQL, Valkey and the sender share the same two cores with what is measured: more"
                " processes can only fill what the others leave; the database's CPU time an event says how"
                " far it would go"
            ),
            f"handlers that wait do so for {waiting_handler.SECONDS * 1e3:g} ms each",
        ],
    )
    for number, crew in in_turns(crews, rounds):
        found = _measure(site, crew, load, processed, run=f"scale{number}-{crew.receivers}-{crew.workers}")
        told = ", ".join(f"{name.replace('_', ' ')} {value:,.2f}" for name, value in found.items())
        print(f"scale-out, round {number + 1}: {crew.name}: {told}")
        board.add(crew.name, **found)
    board.notes.append(_database_limit(board, crews[-1].name))
    return board


def _database_limit(board: Board, candidate: str) -> str:
    costs = [board.spread(candidate, metric) for metric in (_ACCEPTED, _PROCESSED)]
    each = sum(cost.median for cost in costs if cost)
    rate = f"{1e6 / each:,.0f}" if each else "no"
    return (
        f"an event, accepted and processed, takes {each:.0f} µs of the database's CPU time: one core of a"
        f" PostgreSQL of its own is full at {rate} events a second"
    )


def _measure(site: Site, crew: _Crew, load: Load, processed: int, *, run: str) -> dict[str, float]:
    with _doors(site, crew) as (door, _ours, _log):
        _warm_up(site, door, load, run)
        site.requests.file(f"{run}-accept", "main", chaozcode, _alone(load))
        before = site.postgresql_seconds()
        accepted = _send(site, door, load, f"{run}-accept")
        accepting = site.postgresql_seconds() - before
    with open_ours(site, site.new_database("postgresql"), workers=crew.workers, cores=ALL) as hands:
        worked = work_off_metered(hands, processed, run=f"{run}-process", meter=site.postgresql_seconds)
    waited = _work_off_waiting(site, crew, int(processed * WAITING_EVENTS_SHARE), run=f"{run}-waiting")
    both, cores = _both_at_once(site, crew, load, run=f"{run}-both")
    return {
        "both_at_once": both,
        "accept": accepted.rate,
        "process": worked.rate,
        "process_with_handlers_that_wait": waited,
        "database_at_both": cores,
        "database_an_event_accepted": accepting / max(1, accepted.accepted) * 1e6,
        "database_an_event_processed": worked.metered / processed * 1e6,
    }


def _work_off_waiting(site: Site, crew: _Crew, number: int, *, run: str) -> float:
    """Give events a second."""
    with open_ours(
        site,
        site.new_database("postgresql"),
        workers=crew.workers,
        cores=ALL,
        handlers=waiting_handler.__name__,
        ids_a_job=IDS_A_JOB,
    ) as hands:
        return work_off(hands, number, run=run, share=WAITING_EVENTS_SHARE)


def _both_at_once(site: Site, crew: _Crew, load: Load, *, run: str) -> tuple[float, float]:
    """Send and work at the same time; gives events a second to the last outcome, and the database's cores."""
    with _doors(site, crew) as (door, ours, log), ExitStack() as opened:
        for _ in range(crew.workers):
            opened.enter_context(ours.run("worker", cores=ALL))
        _warm_up(site, door, load, run)
        site.requests.file(run, "main", chaozcode, _alone(load))  # before the time is taken
        before, began = site.postgresql_seconds(), time.monotonic()
        sent = _send(site, door, load, run)
        wait_until(lambda: count_unfinished(log) == 0, _DEADLINE_SECONDS, every_seconds=0.05)
        took = time.monotonic() - began
        cores = (site.postgresql_seconds() - before) / took
        require_outcomes(log, count_events(log))
    return sent.accepted / took, cores


@contextmanager
def _doors(site: Site, crew: _Crew) -> Iterator[tuple[Door, Installation, EventLog]]:
    port = free_port()
    url = site.new_database("postgresql")
    with (
        installation(site, url, PORT=str(port), HOOKS_RECEIVER_PROCESSES=str(crew.receivers)) as (ours, log),
        program("receiver") as receiver,
    ):
        ours.start(receiver, "receiver", cores=ALL, processes=crew.receivers)
        yield Door(port=port, rows=lambda: count_events(log)), ours, log


def _warm_up(site: Site, door: Door, load: Load, run: str) -> None:
    warm = replace(load, seconds=load.warm_up_seconds, warm_up_seconds=0)
    flood(door, chaozcode, warm, requests=site.requests, run=f"{run}-warm")


def _send(site: Site, door: Door, load: Load, run: str) -> Flood:
    return flood(door, chaozcode, _alone(load), requests=site.requests, run=run)


def _alone(load: Load) -> Load:
    return replace(load, warm_up_seconds=0)
