"""Replay: events chosen by a filter, from the command to the first handler, and to the last outcome."""

import time
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from sqlalchemy import exists, func, literal_column, select

from benchmarks.board import Board, Metric
from benchmarks.candidates import processing
from benchmarks.candidates.ours import KINDS, Installation
from benchmarks.cores import REST
from benchmarks.figures import in_turns
from benchmarks.scenarios.processing import WARM, work_off
from benchmarks.site import Site
from benchmarks.store import CountsDiffer, count_events
from eventlog.database import EventLog
from eventlog.query_plans import is_of_replay, is_unfinished
from eventlog.replays import ReplayState, read_outcomes, read_replays
from eventlog.states import State
from eventlog.tables import deliveries
from tests.servers.waiting import wait_until

_COMMAND: Final = ("replay", "--type", "memory.stored", "--yes", "--no-wait")
_DEADLINE_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 0.05
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replayed:
    first_call_seconds: float
    """From the command, the start of its Python included, until a handler was called."""
    rate: float
    """Events a second, from that call until the last outcome was recorded."""


def replay(site: Site, *, events: int, rounds: int) -> Board:
    """Process events, and replay them with the same worker."""
    board = Board(
        scenario="replay",
        title=f"Replay of {events:,} events",
        metrics=(
            Metric(name="rate", unit="events/s"),
            Metric(name="processed_before", unit="events/s"),
            Metric(name="ratio", digits=2),
            Metric(name="first_call_after", unit="s", digits=2),
            Metric(name="memory_before", unit="MiB"),
            Metric(name="memory_after", unit="MiB"),
        ),
        notes=[
            f"beside them {WARM:,} that warmed the worker up",
            f"{rounds} rounds; the first call is timed from the start of `hooks {' '.join(_COMMAND)}`",
            "the worker has core 0, the clock shares core 1; memory is that of both",
        ],
    )
    for number, name in in_turns(list(KINDS), rounds):
        found = _measure(site, KINDS[name], events, run=f"replay{number}")
        told = ", ".join(f"{metric.replace('_', ' ')} {value:,.2f}" for metric, value in found.items())
        print(f"replay, round {number + 1}: {name}: {told}")
        board.add(name, **found)
    return board


def _measure(site: Site, kind: str, events: int, *, run: str) -> dict[str, float]:
    url = site.new_database(kind)
    with processing.open_ours(site, url) as crew, closing(EventLog.open(url)) as log:
        processed = work_off(crew, events, run=run)
        ours = Installation(site, url)
        with ours.run("clock", cores=(REST,)) as clock:
            running = (*crew.workers, clock)
            before = sum(each.memory_bytes() for each in running)
            replayed = _replay(ours, log)
            after = sum(each.memory_bytes() for each in running)
    return {
        "rate": replayed.rate,
        "processed_before": processed,
        "ratio": replayed.rate / processed,
        "first_call_after": replayed.first_call_seconds,
        "memory_before": before / _MIB,
        "memory_after": after / _MIB,
    }


def _replay(ours: Installation, log: EventLog) -> _Replayed:
    began = time.time()
    ours.call(*_COMMAND)
    wait_until(lambda: _is_over(log), _DEADLINE_SECONDS, every_seconds=_LOOK_SECONDS)
    ended = time.time()
    events = count_events(log)
    (made,) = read_replays(log)
    outcomes = read_outcomes(log, made.id)
    first, attempts = _first_call_and_attempts(log, made.id)
    if outcomes != {State.DONE: events} or attempts != events:
        raise CountsDiffer(f"of {events} events a replay made {outcomes}, by {attempts} attempts")
    return _Replayed(first_call_seconds=first - began, rate=events / (ended - first))


def _is_over(log: EventLog) -> bool:
    if read_replays(log, state=ReplayState.RUNNING):
        return False
    left = exists().where(is_unfinished(deliveries), deliveries.c.replay > literal_column("0"))
    with log.read() as connection:
        return not connection.execute(select(left)).scalar_one()


def _first_call_and_attempts(log: EventLog, replay: int) -> tuple[float, int]:
    query = select(func.min(deliveries.c.started_at), func.sum(deliveries.c.attempts))
    with log.read() as connection:
        first, attempts = connection.execute(query.where(is_of_replay(deliveries, replay))).one()
    return first.timestamp(), int(attempts)
