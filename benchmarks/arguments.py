"""What can be asked for on the command line."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.candidates.ours import TITLES
from benchmarks.load.payload import LARGEST_BYTES, SMALLEST_BYTES

SCENARIOS: Final = {
    "accept": "signed POST to 202, beside the peers",
    "accept-paced": "the same at a steady rate, far below what it can take",
    "accept-shapes": "beside the floor: other sizes, connections, repeated events",
    "kill": "SIGKILL of the receiver under load: whatever was acknowledged must be there",
    "process": "queued events to recorded outcomes, beside the peers",
    "reaction": "202 to the handler's call, at a steady rate",
    "replay": "a large replay, from the command to the last outcome",
    "end-to-end": "everything at once at a rate that is held; backlog and memory",
    "scale-out": "more receivers and workers on one PostgreSQL",
    "growth": "an empty log and a full one",
}
_QUICK: Final = {
    "rounds": 1,
    "seconds": 3.0,
    "events": 10_000,
    "replayed": 10_000,
    "log_events": 100_000,
    "kills": 2,
}
_PACED: Final = {"accept-paced", "reaction"}
_MOST_CONNECTIONS: Final = 256
_MOST_SECONDS: Final = 600.0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the arguments; end with usage where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=...",
        description="Measure chaozcode-hooks beside its peers on this machine: some scenarios, or all.",
        epilog="scenarios:\n" + "".join(f"  {name:14} {what}\n" for name, what in SCENARIOS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="see below")
    parser.add_argument(
        "--quick", action="store_true", help="1 round of 3 s, small logs; what is given besides counts"
    )
    parser.add_argument("--plan", action="store_true", help="say how long it would take, and do nothing")
    parser.add_argument("--rounds", type=_whole(1, 20), default=3)
    parser.add_argument("--seconds", type=_number(1, _MOST_SECONDS), default=10.0, help="of load in a round")
    parser.add_argument("--only", action="append", default=[], metavar="WORDS", help="candidates named so")
    parser.add_argument("--connections", type=_whole(1, _MOST_CONNECTIONS), default=32)
    parser.add_argument(
        "--size", type=_whole(SMALLEST_BYTES, LARGEST_BYTES), default=300, help="of a body, in bytes"
    )
    parser.add_argument("--duplicates", type=_number(0, 1), default=0.0, help="share of repeated events")
    parser.add_argument("--no-keep-alive", action="store_true", help="a connection for each request")
    parser.add_argument("--rate", type=_number(1, 100_000), help="a second, of the steady ones (100; 4,000)")
    parser.add_argument("--events", type=_whole(20, 10_000_000), default=40_000, help="to process")
    parser.add_argument("--replayed", type=_whole(20, 10_000_000), default=100_000, help="to replay")
    parser.add_argument("--log-events", type=_whole(1000, 100_000_000), default=10_000_000, help="of growth")
    parser.add_argument("--kills", type=_whole(1, 1000), default=10, help="on each database")
    parser.add_argument("--seed", type=_whole(0, 2**32), help="of kill; otherwise another one each time")
    parser.add_argument("--on", choices=tuple(TITLES), help="growth and end-to-end on this database alone")
    parser.add_argument("--folder", type=Path, help="where logs and servers' files lie: on which disk")
    parser.add_argument("--no-page", action="store_true", help="print, and leave docs/performance.md alone")
    if "--quick" in arguments:
        parser.set_defaults(**_QUICK)
    given = parser.parse_args(arguments)
    unknown = set(given.scenarios) - SCENARIOS.keys()
    if unknown:
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    given.scenarios = [each for each in SCENARIOS if not given.scenarios or each in given.scenarios]
    paced = [each for each in given.scenarios if each in _PACED]
    if paced and (given.duplicates or given.no_keep_alive):
        parser.error(
            f"{' and '.join(paced)} can't be had with --duplicates or --no-keep-alive: they send each event"
            " once, over connections that are kept"
        )
    return given


class _whole:  # noqa: N801 - a type of argparse
    """A whole number between two others."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def __call__(self, text: str) -> int:
        value = int(text.replace("_", ""))
        if not self._least <= value <= self._most:
            raise argparse.ArgumentTypeError(f"{text} is not between {self._least:,} and {self._most:,}")
        return value


class _number:  # noqa: N801 - a type of argparse
    """A number between two others."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most

    def __call__(self, text: str) -> float:
        value = float(text)
        if not self._least <= value <= self._most:
            raise argparse.ArgumentTypeError(f"{text} is not between {self._least:g} and {self._most:g}")
        return value
