"""`GET /usage`: what of the token's budgets is used ("Usage API")."""

from dataclasses import dataclass
from datetime import datetime

from clients.reply import Reply

from .budget import AiBudget, ComputeBudget
from .window import window_end


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(Reply):
    """What of the budgets is used in their current window."""

    user_id: str | None = None
    issuer_id: str | None = None
    """The project's id."""
    window: str | None = None
    """hour, day, week, month or lifetime."""
    window_start: datetime | None = None
    allowed: bool | None = None
    """Whether prompts may go on, within the budgets."""
    ai: AiBudget | None = None
    compute: ComputeBudget | None = None

    @property
    def window_end(self) -> datetime | None:
        """When the budgets start anew; None where they never do, or that can't be told."""
        return window_end(self.window, self.window_start)
