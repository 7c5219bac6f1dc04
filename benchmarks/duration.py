"""How long the scenarios take, roughly, so that one can choose before one waits."""

import argparse
from collections.abc import Callable
from typing import Final

from benchmarks.candidates.accepting import ACCEPTING
from benchmarks.candidates.ours import TITLES
from benchmarks.candidates.processing import PROCESSING
from benchmarks.scenarios.processing import WARM
from benchmarks.scenarios.scale_out import CREWS, WAITING_EVENTS_SHARE
from benchmarks.scenarios.shapes import COLUMNS, SHAPES

_SITE_SECONDS: Final = 6.0
_START_SECONDS: Final = 4.0
"""To start one candidate, make its database, and end it."""
_WARM_SECONDS: Final = 1.0
_PREPARED_A_SECOND: Final = 60_000
_SENT_A_SECOND: Final = 30_000
_WORKED_A_SECOND: Final = 8_000
_SLOWLY_WORKED_SECONDS: Final = 5.0
"""What a slow peer takes for its smaller share of the events."""
_WAITED_A_SECOND: Final = 600
"""Events that handlers wait for, with one worker to four."""
_FILLED_A_SECOND: Final = 35_000
_LOOKS_SECONDS: Final = 20.0
_KINDS: Final = len(TITLES)


def estimate(scenario: str, given: argparse.Namespace) -> float:
    """Give seconds, on a machine with nothing else to do."""
    of_its_own: float = _BY_SCENARIO.get(scenario, _unknown)(given)
    return _SITE_SECONDS + of_its_own


def in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _prepared(given: argparse.Namespace, rate: float = _SENT_A_SECOND) -> float:
    return float((given.seconds + _WARM_SECONDS) * rate / _PREPARED_A_SECOND)


def _worked(events: int) -> float:
    """Say what it takes to store, to send and to work off events, and those that warm up."""
    return 1.5 * (events + WARM) / _WORKED_A_SECOND


def _chosen(given: argparse.Namespace, number: int) -> int:
    return min(number, 2 * len(given.only)) if given.only else number


def _accept(given: argparse.Namespace) -> float:
    each = _START_SECONDS + _WARM_SECONDS + given.seconds
    return float(given.rounds * (_chosen(given, len(ACCEPTING)) * each + 2 * _prepared(given)))


def _shapes(given: argparse.Namespace) -> float:
    each = len(COLUMNS) * (_START_SECONDS + _WARM_SECONDS + given.seconds) + _prepared(given)
    return float(given.rounds * len(SHAPES) * each)


def _kill(given: argparse.Namespace) -> float:
    return float(_KINDS * (_START_SECONDS + given.kills * (2 + given.seconds / 2)))


def _process(given: argparse.Namespace) -> float:
    each = _START_SECONDS + _worked(given.events)
    return float(given.rounds * _chosen(given, len(PROCESSING)) * max(each, _SLOWLY_WORKED_SECONDS))


def _reaction(given: argparse.Namespace) -> float:
    return float(given.rounds * _KINDS * (2 * _START_SECONDS + _WARM_SECONDS + given.seconds))


def _replay(given: argparse.Namespace) -> float:
    worked = 2 * _worked(given.replayed)
    return float(given.rounds * _KINDS * (3 * _START_SECONDS + worked))


def _end_to_end(given: argparse.Namespace) -> float:
    kinds = 1 if given.on else _KINDS
    prepared = _prepared(given, given.rate or 4_000)
    return float(given.rounds * kinds * (3 * _START_SECONDS + given.seconds * 1.1 + prepared))


def _scale_out(given: argparse.Namespace) -> float:
    flood = 3 * given.seconds + 2 * _prepared(given) + 2 * _WARM_SECONDS
    waited = WAITING_EVENTS_SHARE * (given.events + WARM) / _WAITED_A_SECOND
    worked = _worked(given.events) + waited
    return float(given.rounds * len(CREWS) * (6 * _START_SECONDS + flood + worked))


def _growth(given: argparse.Namespace) -> float:
    kinds = 1 if given.on else _KINDS
    each = 2 * _START_SECONDS + _WARM_SECONDS + given.seconds + _prepared(given)
    turns = given.rounds * 2 * (each + _worked(given.events))
    return float(kinds * (given.log_events / _FILLED_A_SECOND + _LOOKS_SECONDS + turns))


def _unknown(given: argparse.Namespace) -> float:
    return float(given.rounds * (_START_SECONDS + given.seconds))


_BY_SCENARIO: Final[dict[str, Callable[[argparse.Namespace], float]]] = {
    "accept": _accept,
    "accept-paced": _accept,
    "accept-shapes": _shapes,
    "kill": _kill,
    "process": _process,
    "reaction": _reaction,
    "replay": _replay,
    "end-to-end": _end_to_end,
    "scale-out": _scale_out,
    "growth": _growth,
}
