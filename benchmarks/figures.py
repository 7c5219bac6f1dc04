"""What is made of measured values: medians with extremes, percentiles, and the order of the rounds."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

Each = TypeVar("Each")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median of some rounds, with the lowest and the highest."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    return Spread(median=statistics.median(values), low=min(values), high=max(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the smallest value that at least so many percent of the values don't exceed (nearest rank)."""
    if not values:
        raise ValueError("no values, so no percentile")
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def in_turns(candidates: Sequence[Each], rounds: int) -> Iterator[tuple[int, Each]]:
    """Give every candidate once a round, each round beginning with another one.

    What makes the machine slower for a while then falls on all of them.
    """
    for number in range(rounds):
        start = number % len(candidates) if candidates else 0
        for candidate in [*candidates[start:], *candidates[:start]]:
            yield number, candidate
