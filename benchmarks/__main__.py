"""`make bench`: runs the scenarios, prints what they found, and puts it into docs/performance.md."""

import argparse
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol, TypeVar

from benchmarks.arguments import parse
from benchmarks.board import Board
from benchmarks.candidates.accepting import ACCEPTING
from benchmarks.candidates.ours import TITLES
from benchmarks.candidates.processing import PROCESSING
from benchmarks.cores import ALL, REST
from benchmarks.disk import require_disk
from benchmarks.duration import estimate, in_words
from benchmarks.load.plan import Load
from benchmarks.report.publish import PAGE, publish
from benchmarks.scenarios.accept import accept, accept_paced
from benchmarks.scenarios.end_to_end import end_to_end
from benchmarks.scenarios.growth import growth
from benchmarks.scenarios.kill import kill
from benchmarks.scenarios.process import process
from benchmarks.scenarios.reaction import reaction
from benchmarks.scenarios.replay import replay
from benchmarks.scenarios.scale_out import scale_out
from benchmarks.scenarios.shapes import shapes
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
    _tell_plan(given)
    if given.plan:
        return
    place = (given.folder or Path(tempfile.gettempdir())).resolve()
    require_disk(place)
    for scenario in given.scenarios:
        began = time.monotonic()
        with site(place, cores=ALL if scenario in _ON_ALL_CORES else (REST,)) as here:
            for board in _SCENARIOS[scenario](here, given):
                publish(board, place, page=None if given.no_page else PAGE)
        print(f"({scenario} took {in_words(time.monotonic() - began)})", flush=True)


def _tell_plan(given: argparse.Namespace) -> None:
    planned = {scenario: estimate(scenario, given) for scenario in given.scenarios}
    for scenario, seconds in planned.items():
        print(f"{scenario}: about {in_words(seconds)}")
    print(f"all of it: about {in_words(sum(planned.values()))}", flush=True)


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


def _replay(here: Site, given: argparse.Namespace) -> list[Board]:
    return [replay(here, events=given.replayed, rounds=given.rounds)]


def _shapes(here: Site, given: argparse.Namespace) -> list[Board]:
    return [shapes(here, seconds=given.seconds, rounds=given.rounds)]


def _kill(here: Site, given: argparse.Namespace) -> list[Board]:
    seed = secrets.randbits(32) if given.seed is None else given.seed
    print(f"kill: --seed {seed}", flush=True)
    return [kill(here, kills=given.kills, seconds=given.seconds, seed=seed)]


def _scale_out(here: Site, given: argparse.Namespace) -> list[Board]:
    return [scale_out(here, load=_load(given), processed=given.events, rounds=given.rounds)]


def _end_to_end(here: Site, given: argparse.Namespace) -> list[Board]:
    load = replace(_load(given, _FULL_RATE), warm_up_seconds=0)
    return [end_to_end(here, load=load, rounds=given.rounds, kinds=_kinds(given))]


def _kinds(given: argparse.Namespace) -> tuple[str, ...]:
    return (given.on,) if given.on else tuple(TITLES)


def _growth(here: Site, given: argparse.Namespace) -> list[Board]:
    return growth(
        here,
        _kinds(given),
        events=given.log_events,
        load=_load(given),
        processed=given.events,
        rounds=given.rounds,
    )


_SCENARIOS: dict[str, Callable[[Site, argparse.Namespace], list[Board]]] = {
    "accept": _accept,
    "accept-paced": _accept_paced,
    "accept-shapes": _shapes,
    "kill": _kill,
    "process": _process,
    "reaction": _reaction,
    "replay": _replay,
    "end-to-end": _end_to_end,
    "scale-out": _scale_out,
    "growth": _growth,
}
_ON_ALL_CORES: Final = {"kill", "end-to-end", "scale-out"}


if __name__ == "__main__":
    main()
