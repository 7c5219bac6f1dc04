"""The figures of one scenario, by candidate and metric, as they come in."""

from dataclasses import dataclass, field

from benchmarks.figures import Spread, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A column of the table."""

    name: str
    unit: str = ""
    digits: int = 0


@dataclass(slots=True, kw_only=True)
class Board:
    """What a scenario found; the first metric is what candidates are compared by."""

    scenario: str
    title: str
    metrics: tuple[Metric, ...]
    reference: str | None = None
    """The candidate whose first metric the others' are given as a ratio to."""
    notes: list[str] = field(default_factory=list)
    _values: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, candidate: str, **values: float) -> None:
        """Take the values of one round, by metric."""
        known = {metric.name for metric in self.metrics}
        if not values.keys() <= known:
            raise ValueError(f"{sorted(values.keys() - known)} are no metrics of {self.scenario}")
        held = self._values.setdefault(candidate, {})
        for metric, value in values.items():
            held.setdefault(metric, []).append(value)

    @property
    def candidates(self) -> list[str]:
        return list(self._values)

    def spread(self, candidate: str, metric: Metric) -> Spread | None:
        values = self._values[candidate].get(metric.name)
        return spread(values) if values else None

    def ratio(self, candidate: str) -> float | None:
        """Give the candidate's median as a ratio to the reference's, if that was measured too."""
        if self.reference not in self._values:
            return None
        own, other = (self.spread(name, self.metrics[0]) for name in (candidate, self.reference))
        return own.median / other.median if own and other and other.median else None
