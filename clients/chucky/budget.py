"""What of a budget is used: AI in microdollars, which are also given as dollars, and compute in seconds."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from clients.reply import Reply

MICRODOLLARS_PER_DOLLAR: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFigures(Reply):
    """How much of a budget is used: microdollars for `ai`, seconds for `compute`."""

    used: float | None = None
    remaining: float | None = None
    budget: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AiBudget(BudgetFigures):
    """What prompts may cost: microdollars, and the same as dollars, exactly, as Decimal."""

    @property
    def used_usd(self) -> Decimal | None:
        return _dollars(self.used)

    @property
    def remaining_usd(self) -> Decimal | None:
        return _dollars(self.remaining)

    @property
    def budget_usd(self) -> Decimal | None:
        return _dollars(self.budget)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeBudget(BudgetFigures):
    """How long prompts may run: seconds."""


def _dollars(microdollars: float | None) -> Decimal | None:
    return None if microdollars is None else Decimal(str(microdollars)) / MICRODOLLARS_PER_DOLLAR
