"""`make bench`: runs the scenarios, prints what they found, and puts it into docs/performance.md."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from benchmarks.arguments import parse
from benchmarks.board import Board
from benchmarks.candidates.accepting import ACCEPTING
from benchmarks.candidates.processing import PROCESSING
from benchmarks.report.publish import PAGE, publish
from benchmarks.scenarios.accept import accept, accept_paced
from benchmarks.scenarios.accepting import Load
from benchmarks.scenarios.end_to_end import end_to_end
from benchmarks.scenarios.growth import KINDS, growth
from benchmarks.scenarios.process import process
from benchmarks.scenarios.reaction import reaction
from benchmarks.site import Site, site

_STEADY_RATE = 100.0
_FULL_RATE = 4_000.0


class Named(Protocol):
    @property
    def name(self) -> str: ...


Candidate = TypeVar("Candidate", bound=Named)


def main() -> None:
    given = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    for scenario in given.scenarios:
        with site(given.folder) as here:
            for board in _SCENARIOS[scenario](here, given):
                publish(board, page=None if given.no_page else PAGE)


def _load(given: argparse.Namespace, rate: float | None = None) -> Load:
    return Load(
        seconds=given.seconds,
        connections=given.connections,
        size=given.size,
        duplicates=given.duplicates,
        keep_alive=not given.no_keep_alive,
        rate=(given.rate or rate) if rate else None,
    )


def _chosen(candidates: Sequence[Candidate], words: Sequence[str]) -> list[Candidate]:
    chosen = [
        each for each in candidates if not words or any(word.lower() in each.name.lower() for word in words)
    ]
    if not chosen:
        raise SystemExit(
            f"no candidate is named so; there are: {'; '.join(each.name for each in candidates)}"
        )
    return chosen


def _accept(here: Site, given: argparse.Namespace) -> list[Board]:
    return [accept(here, _chosen(ACCEPTING, given.only), load=_load(given), rounds=given.rounds)]


def _accept_paced(here: Site, given: argparse.Namespace) -> list[Board]:
    chosen = _chosen(ACCEPTING, given.only)
    return [accept_paced(here, chosen, load=_load(given, _STEADY_RATE), rounds=given.rounds)]


def _process(here: Site, given: argparse.Namespace) -> list[Board]:
    return [process(here, _chosen(PROCESSING, given.only), events=given.events, rounds=given.rounds)]


def _reaction(here: Site, given: argparse.Namespace) -> list[Board]:
    return [reaction(here, load=_load(given, _STEADY_RATE), rounds=given.rounds)]


def _end_to_end(here: Site, given: argparse.Namespace) -> list[Board]:
    load = replace(_load(given, _FULL_RATE), warm_up_seconds=0)
    return [end_to_end(here, load=load, rounds=given.rounds)]


def _growth(here: Site, given: argparse.Namespace) -> list[Board]:
    kinds = (given.on,) if given.on else KINDS
    return growth(
        here,
        kinds,
        events=given.log_events,
        load=_load(given),
        processed=given.events,
        rounds=given.rounds,
    )


_SCENARIOS: dict[str, Callable[[Site, argparse.Namespace], list[Board]]] = {
    "accept": _accept,
    "accept-paced": _accept_paced,
    "process": _process,
    "reaction": _reaction,
    "end-to-end": _end_to_end,
    "growth": _growth,
}


if __name__ == "__main__":
    main()
